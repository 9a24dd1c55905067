import { createHash } from 'node:crypto';
import type { LogoutInitiator, TerminationCause } from '../command/logout.js';
import type { WithoutNotice } from '../termination/without-notice.js';

/** What became of an application's notices. A receipt knows no `pending`: it is issued when nothing is. */
export type ReceiptOutcome = 'delivered' | 'rejected' | 'abandoned';

/** The notices of one application that ended alike. Two sessions at one application are two notices. */
export interface ReceiptApplication {
  readonly client_id: string;
  readonly outcome: ReceiptOutcome;
  readonly notices: number;
  /** All of them together. */
  readonly attempts: number;
  /** ISO 8601: when the last of them ended. */
  readonly finished_at: string;
}

/**
 * The claims of a receipt (`typ: logout-receipt+jwt`). Facts and nothing else: no address, no error text, no token and
 * no login. `sub` and `aud` are left out on purpose, so that it cannot be used as a token.
 */
export interface ReceiptClaims {
  readonly iss: string;
  readonly iat: number;
  readonly jti: string;
  /** Place in the chain of all receipts, without gaps. */
  readonly sequence: number;
  /** Hash of the receipt before; null for the first of all. */
  readonly previous: string | null;
  readonly termination_id: string;
  /** 1, and one more whenever a notice ended once more, such as after it was sent again. */
  readonly revision: number;
  /** Sequence of the receipt that this one takes the place of. */
  readonly supersedes?: number;
  readonly cause: TerminationCause;
  /** The kind of who asked for it. */
  readonly initiator: LogoutInitiator['kind'];
  readonly account_id?: string;
  /** ISO 8601: from then on introspection, userinfo and refresh refuse. */
  readonly ended_at: string;
  readonly sessions: number;
  readonly grants_revoked: number;
  /** Those that got a notice. */
  readonly applications: readonly ReceiptApplication[];
  /**
   * All others that took part: asked in the browser, or not notified and why. Left out when there is none, and by older
   * versions. */
  readonly without_notice?: readonly WithoutNotice[];
}

export interface Receipt {
  readonly sequence: number;
  readonly terminationId: string;
  readonly revision: number;
  readonly jws: string;
  readonly hash: string;
  readonly previousHash: string | null;
  readonly issuedAt: Date;
}

/** What the next receipt and the export call this one: SHA-256 of its compact JWS, base64url. */
export function receiptHash(jws: string): string {
  return createHash('sha256').update(jws, 'ascii').digest('base64url');
}
