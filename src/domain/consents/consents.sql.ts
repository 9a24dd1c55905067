import { fragment, type Fragment } from '../../platform/database/statement.js';

/**
 * SQL about `consents` that other modules put into their own statements: a grant, so that none is made on a consent that is
 * being taken back, and the removal of a client. Imports nothing of the domain, so that modules below may use it.
 */

/** What a grant rests on, as parameters of a statement. */
export const CONSENT_ASKED = { consentScope: 'text[]?', consentClaims: 'text[]?' } as const;

/** A {@link CONSENT_ASKED}: what the person must have allowed. Without it nothing is asked, as for `skip_consent`. */
export interface ConsentAsked {
  readonly consentScope: readonly string[];
  readonly consentClaims: readonly string[];
}

/**
 * All of what is asked has been allowed to the client, and is not taken back before the statement's transaction ends: CTE
 * `allowed`, of one row if that is so. A withdrawal deletes the row first and then revokes the grants that it sees: this
 * waits for it and finds nothing, or is waited for and its grant is seen.
 */
export function consentHeld(accountId: string, clientId: string): Fragment {
  return fragment({
    gives: ['consent', 'allowed'],
    parameters: CONSENT_ASKED,
    text: `
     consent AS MATERIALIZED (
       SELECT 1 AS found FROM consents
        -- Compared by rows, so that it is found by its key and not among all consents of the client.
        WHERE :consentScope IS NOT NULL AND account_id = ${accountId}
          AND (account_id, client_id) >= (${accountId}, ${clientId}) AND (account_id, client_id) <= (${accountId}, ${clientId})
          AND scope @> :consentScope AND claims @> :consentClaims
          FOR KEY SHARE
     ), allowed AS MATERIALIZED (
       SELECT 1 AS found WHERE :consentScope IS NULL UNION ALL SELECT found FROM consent
     )`,
  });
}

/** A person has allowed the client `clientId` something. */
export function clientHasConsents(clientId: string): string {
  return `EXISTS (SELECT 1 FROM consents k WHERE k.client_id = ${clientId})`;
}
