import type { Settings } from '../../../platform/config/settings.js';

/** Beyond an attempt's time limit, for what comes before and after the request. */
const CLAIM_MARGIN_MS = 5000;

/**
 * How long a notice stays with the process that is sending it, in milliseconds. After that any node may claim it, so an
 * attempt that could take longer is not begun.
 */
export function claimLeaseMs(settings: Pick<Settings, 'deliveryTimeoutMs'>): number {
  return settings.deliveryTimeoutMs + CLAIM_MARGIN_MS;
}
