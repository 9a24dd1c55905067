import type { LogoutInitiator, TerminationCause } from '../command/logout.js';
import type { WithoutNotice } from './without-notice.js';

/** A termination as operators see it. */
export interface Termination {
  readonly id: string;
  readonly cause: TerminationCause;
  readonly initiator: LogoutInitiator;
  readonly accountId: string | null;
  readonly sessions: number;
  readonly grantsRevoked: number;
  readonly deliveries: number;
  /** Those that took part and are not notified. */
  readonly withoutNotice: readonly WithoutNotice[];
  readonly occurredAt: Date;
  /** Its receipt is signed and says the whole of it. */
  readonly receipted: boolean;
}
