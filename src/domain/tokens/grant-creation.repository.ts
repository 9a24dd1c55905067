import { Injectable } from '@nestjs/common';
import { clientHasRedirectUri, clientMayBeGranted, scopeGrantedTo } from '../clients/clients.sql.js';
import { CONSENT_ASKED, consentHeld, type ConsentAsked } from '../consents/consents.sql.js';
import { answerInteraction, INTERACTION_ROW, type InteractionRow } from '../interactions/interactions.sql.js';
import { Clock } from '../../platform/clock/clock.js';
import { sql, statement, typed, type Fragment, type RowOf, type Sql } from '../../platform/database/statement.js';
import { TransactionRunner } from '../../platform/database/transaction.js';
import { NEWEST_ORDER } from '../../platform/epochs/epochs.sql.js';
import type { ClaimsParameter } from '../../platform/oidc/claims.js';
import { sessionIsAlive } from '../sessions/sessions.sql.js';
import { lastDayFor } from './grant.js';
import { theAccount, theSession } from './tokens.sql.js';
import { sessionServes, upstreamVouchingFor } from '../upstreams/upstreams.sql.js';

export interface NewGrant {
  readonly id: string;
  readonly accountId: string;
  readonly clientId: string;
  readonly sessionId: string;
  readonly offline: boolean;
  readonly scope: string;
  readonly claims: ClaimsParameter | undefined;
  readonly authenticatedAt: Date;
  readonly amr: readonly string[];
  readonly upstream: string | null;
  readonly codeHash: Buffer;
  readonly redirectUri: string | undefined;
  /** By which registered URI the code goes out; undefined: it goes nowhere. */
  readonly registeredUri: string | undefined;
  readonly codeChallenge: string | undefined;
  readonly nonce: string | undefined;
  readonly codeExpiresAt: Date;
  /** Until then something of it may be asked for, unless it is refreshed. */
  readonly lastExpiresAt: Date;
  /** What the person must have allowed; undefined: it need not be asked. */
  readonly consent: ConsentAsked | undefined;
}

/** The interaction that a code answers. */
export interface AnsweredByCode extends InteractionRow {
  /** Of the cookie that the session has just been given: another one was given to a second click. Undefined: any. */
  readonly cookieHash: Buffer | undefined;
}

/**
 * What came of a grant; for everything but `created` nothing was written. `session_over`: it has ended, is none for the
 * client, or has another cookie. `client_refused`: the client may not have it.
 */
export type CreatedGrant = 'created' | 'session_over' | 'client_refused' | 'not_allowed' | 'answered_before';

const NEW_GRANT = {
  id: 'uuid',
  accountId: 'uuid',
  clientId: 'text',
  sessionId: 'uuid',
  offline: 'boolean',
  scope: 'text',
  claims: typed<ClaimsParameter | null>('jsonb?'),
  authenticatedAt: 'timestamptz',
  amr: 'text[]',
  upstream: 'text?',
  codeHash: 'bytea',
  redirectUri: 'text?',
  registeredUri: 'text?',
  codeChallenge: 'text?',
  nonce: 'text?',
  codeExpiresAt: 'timestamptz',
  lastExpiresAt: 'timestamptz',
  now: 'timestamptz',
  ...CONSENT_ASKED,
} as const;
const CREATED = { is_live: 'boolean', may_have_it: 'boolean', is_allowed: 'boolean', is_granted: 'boolean' } as const;

/**
 * Writes all or nothing, and says in one row why nothing.
 * @param within `may` (one row, if the grant may be made) before what the grant hangs on besides, which it gives as a
 *   common table expression
 */
function createText(live: string, within?: { readonly sql: Fragment; readonly gives: string }): Sql {
  return sql`
    WITH live AS (
      SELECT s.id, ${upstreamVouchingFor('s', ':accountId', ':clientId')} AS upstream_id
        FROM ${theSession(':accountId', ':sessionId')} CROSS JOIN ${theAccount(':accountId')}
       WHERE ${sessionIsAlive('s', 'a', ':accountId', ':now')} AND ${sessionServes('s', ':accountId', ':clientId')}
         ${live}
    ), client AS MATERIALIZED (
      -- Locked, so that a client that is being disabled, or loses something, gets no grant that is never revoked or has what was lost.
      SELECT c.client_id, c.token_generation, ${scopeGrantedTo('c', ':scope')} AS scope FROM clients c
       WHERE c.client_id = :clientId AND ${clientMayBeGranted('c', ':offline')} AND ${clientHasRedirectUri('c', ':registeredUri')} FOR SHARE OF c
    ), ${consentHeld(':accountId', ':clientId')}, may AS (
      SELECT client.client_id, client.token_generation, client.scope, live.id, live.upstream_id FROM live, client, allowed
    ), ${within === undefined ? '' : sql`${within.sql}, `}g AS (
      INSERT INTO grants (id, account_id, client_id, session_id, offline, scope, claims, authenticated_at, amr, created_at, realm,
                          upstream_id, began_after_order, code_hash, redirect_uri, registered_uri, code_challenge, nonce,
                          code_expires_at, keep_until, client_generation)
      SELECT :id, :accountId, may.client_id, may.id, :offline, may.scope, :claims, :authenticatedAt, :amr, :now, :upstream,
             may.upstream_id, ${NEWEST_ORDER}, :codeHash, :redirectUri, :registeredUri, :codeChallenge, :nonce,
             :codeExpiresAt, ${lastDayFor(':lastExpiresAt')}, may.token_generation
        FROM may${within === undefined ? '' : `, ${within.gives}`} RETURNING id
    )
    SELECT EXISTS (SELECT FROM live) AS is_live, EXISTS (SELECT FROM client) AS may_have_it,
           EXISTS (SELECT FROM allowed) AS is_allowed, EXISTS (SELECT FROM g) AS is_granted`;
}

const CREATE = statement({
  name: 'grants_create_with_code',
  parameters: NEW_GRANT,
  row: CREATED,
  text: createText(''),
});

/** The grant and the answer to the interaction are one: of two that come at once one gets the code. */
const ANSWER = statement({
  name: 'grants_answer_with_code',
  parameters: { ...NEW_GRANT, ...INTERACTION_ROW, cookieHash: 'bytea?' },
  row: CREATED,
  text: createText('AND (:cookieHash IS NULL OR s.cookie_hash = :cookieHash)', {
    sql: answerInteraction('may'),
    gives: 'answered',
  }),
});

/** New grants, each with the code for it. */
@Injectable()
export class GrantCreationRepository {
  constructor(
    private readonly transactions: TransactionRunner,
    private readonly clock: Clock,
  ) {}

  /**
   * The grant is there before any token of it, so no token is ever without the row that can revoke it. One statement:
   * what is asked of a consent is allowed, and held; what answers an interaction does so once.
   */
  async createWithCode(grant: NewGrant, answering?: AnsweredByCode): Promise<CreatedGrant> {
    const { consent, ...values } = grant;
    const all = {
      ...values,
      consentScope: consent?.consentScope,
      consentClaims: consent?.consentClaims,
      now: this.clock.now(),
    };
    const rows =
      answering === undefined
        ? await this.transactions.query(CREATE, all)
        : await this.transactions.query(ANSWER, { ...all, ...answering });
    return createdOf(rows[0]);
  }
}

function createdOf(row: Readonly<RowOf<typeof CREATED>> | undefined): CreatedGrant {
  if (row?.is_granted === true) return 'created';
  if (row?.is_live !== true) return 'session_over';
  if (!row.may_have_it) return 'client_refused';
  return row.is_allowed ? 'answered_before' : 'not_allowed';
}
