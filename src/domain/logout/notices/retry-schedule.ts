import { MINUTE } from '../../../platform/clock/durations.js';

const FIRST_RETRY_MS = 2_000;
const LONGEST_RETRY_MS = 15 * MINUTE;

/**
 * How long to wait before the next try: doubling from two seconds to a quarter of an hour, with up to a quarter less
 * at random so that many notices do not come back at once; never sooner than the application asked.
 *
 * @param attempts tries made so far, at least 1
 * @see Back-Channel Logout 1.0 §2.5: retransmit only after failures that look recoverable, after a suitable delay
 */
export function retryDelayMs(attempts: number, retryAfterMs: number | undefined, random = Math.random()): number {
  const backoff = Math.min(FIRST_RETRY_MS * 2 ** (attempts - 1), LONGEST_RETRY_MS);
  return Math.max(Math.round(backoff * (1 - random / 4)), retryAfterMs ?? 0);
}
