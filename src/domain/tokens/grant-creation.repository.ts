import { Injectable } from '@nestjs/common';
import { accountAllows } from '../accounts/accounts.sql.js';
import { clientHasRedirectUri, clientMayBeGranted, scopeGrantedTo } from '../clients/clients.sql.js';
import { CONSENT_ASKED, consentHeld, type ConsentAsked } from '../consents/consents.sql.js';
import {
  answerInteraction,
  beginSessionWithin,
  INTERACTION_ROW,
  type InteractionRow,
} from '../interactions/interactions.sql.js';
import { PUSHED_REQUEST, usePushedRequest } from '../interactions/pushed-requests.sql.js';
import { AUDITED, type AuditedRow } from '../../platform/audit/audit.sql.js';
import { Clock } from '../../platform/clock/clock.js';
import {
  fragment,
  sql,
  statement,
  typed,
  type Fragment,
  type RowOf,
  type Sql,
} from '../../platform/database/statement.js';
import { TransactionRunner } from '../../platform/database/transaction.js';
import { NEWEST_ORDER } from '../../platform/epochs/epochs.sql.js';
import type { ClaimsParameter } from '../../platform/oidc/claims.js';
import {
  ACCOUNT_AT_SIGN_IN,
  beginSession,
  createdWithinOf,
  RECORD_SIGN_IN,
  SIGN_IN,
  type CreatedWithin,
  type SignInOfSession,
} from '../sessions/session-begin.sql.js';
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
  /** The pushed request that the code answers; undefined: there is none. */
  readonly pushedHash: Buffer | undefined;
}

/** The interaction that a code answers. */
export interface AnsweredByCode extends InteractionRow {
  /** Of the cookie that the session has just been given: another one was given to a second click. Undefined: any. */
  readonly cookieHash: Buffer | undefined;
}

/**
 * What came of a grant; for everything but `created` nothing was written. `session_over`: it has ended, is none for the
 * client, or has another cookie. `client_refused`: the client may not have it. `answered_before`: the interaction, or the pushed request, has its response.
 */
export type CreatedGrant = 'created' | 'session_over' | 'client_refused' | 'not_allowed' | 'answered_before';

const GRANT_ROW = {
  id: 'uuid',
  accountId: 'uuid',
  offline: 'boolean',
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
} as const;
const NEW_GRANT = { ...GRANT_ROW, clientId: 'text', sessionId: 'uuid', scope: 'text', ...CONSENT_ASKED } as const;
const CREATED = { is_live: 'boolean', may_have_it: 'boolean', is_allowed: 'boolean', is_granted: 'boolean' } as const;

/** Locked, so that a client that is being disabled, or loses something, gets no grant that is never revoked or has what was lost. */
const CLIENT = fragment({
  gives: ['client'],
  parameters: { clientId: 'text', scope: 'text', offline: 'boolean', registeredUri: 'text?' },
  text: `
     client AS MATERIALIZED (
       SELECT c.client_id, c.token_generation, ${scopeGrantedTo('c', ':scope')} AS scope FROM clients c
        WHERE c.client_id = :clientId AND ${clientMayBeGranted('c', ':offline')} AND ${clientHasRedirectUri('c', ':registeredUri')} FOR SHARE OF c
     )`,
});

/** For the one row that `may` (client_id, token_generation, scope, session_id, upstream_id) makes with `and`: CTE `g`. */
function insertGrant(and: readonly string[]): Fragment {
  return fragment({
    needs: ['may', ...and],
    gives: ['g'],
    parameters: GRANT_ROW,
    text: `
     g AS (
       INSERT INTO grants (id, account_id, client_id, session_id, offline, scope, claims, authenticated_at, amr, created_at, realm,
                           upstream_id, began_after_order, code_hash, redirect_uri, registered_uri, code_challenge, nonce,
                           code_expires_at, keep_until, client_generation)
       SELECT :id, :accountId, may.client_id, may.session_id, :offline, may.scope, :claims, :authenticatedAt, :amr, :now, :upstream,
              may.upstream_id, ${NEWEST_ORDER}, :codeHash, :redirectUri, :registeredUri, :codeChallenge, :nonce,
              :codeExpiresAt, ${lastDayFor(':lastExpiresAt')}, may.token_generation
         FROM ${['may', ...and].join(', ')} RETURNING id
     )`,
  });
}

const GRANTED = `EXISTS (SELECT FROM client) AS may_have_it, EXISTS (SELECT FROM allowed) AS is_allowed, EXISTS (SELECT FROM g) AS is_granted`;

/** What a grant hangs on besides, after `may` (one row, if it may be made): a common table expression, empty if it must not be. */
interface Within {
  readonly sql: Fragment;
  readonly gives: string;
}
const ANSWERS: Within = { sql: answerInteraction('may'), gives: 'answered' };
const usesPushed = (after: readonly string[]): Within => ({ sql: usePushedRequest(after), gives: 'used' });

/** Writes all or nothing, and says in one row why nothing. */
function createText(live: string, within: readonly Within[]): Sql {
  return sql`
    WITH live AS (
      SELECT s.id, ${upstreamVouchingFor('s', ':accountId', ':clientId')} AS upstream_id
        FROM ${theSession(':accountId', ':sessionId')} CROSS JOIN ${theAccount(':accountId')}
       WHERE ${sessionIsAlive('s', 'a', ':accountId', ':now')} AND ${sessionServes('s', ':accountId', ':clientId')}
         ${live}
    ), ${CLIENT}, ${consentHeld(':accountId', ':clientId')}, may AS (
      SELECT client.client_id, client.token_generation, client.scope, live.id AS session_id, live.upstream_id FROM live, client, allowed
    ), ${allOf(within)}${insertGrant(within.map(({ gives }) => gives))}
    SELECT EXISTS (SELECT FROM live) AS is_live, ${GRANTED}`;
}

function allOf(within: readonly Within[]): Sql {
  return within.reduce<Sql>((before, { sql: next }) => sql`${before}${next}, `, sql``);
}

const CREATE = statement({
  name: 'grants_create_with_code',
  parameters: NEW_GRANT,
  row: CREATED,
  text: createText('', []),
});

/** For a pushed request: of two browsers that come with it one gets the code. */
const CREATE_PUSHED = statement({
  name: 'grants_create_with_code_pushed',
  parameters: { ...NEW_GRANT, ...PUSHED_REQUEST },
  row: CREATED,
  text: createText('', [usesPushed(['may'])]),
});

const ITS_COOKIE = 'AND (:cookieHash IS NULL OR s.cookie_hash = :cookieHash)';
const ANSWERING = { ...NEW_GRANT, ...INTERACTION_ROW, cookieHash: 'bytea?' } as const;

/** The grant and the answer to the interaction are one: of two that come at once one gets the code. */
const ANSWER = statement({
  name: 'grants_answer_with_code',
  parameters: ANSWERING,
  row: CREATED,
  text: createText(ITS_COOKIE, [ANSWERS]),
});

const ANSWER_PUSHED = statement({
  name: 'grants_answer_with_code_pushed',
  parameters: { ...ANSWERING, ...PUSHED_REQUEST },
  row: CREATED,
  text: createText(ITS_COOKIE, [ANSWERS, usesPushed(['may', ANSWERS.gives])]),
});

/**
 * With the session that begins within the interaction, which rests on a password of this moment: nothing has to be asked of it.
 * Session and record are written also where there is no grant, so that the person is asked for their consent.
 */
function beginText(within: readonly Within[]): Sql {
  return sql`
    WITH ${ACCOUNT_AT_SIGN_IN}, ${CLIENT}, ${consentHeld(':accountId', ':clientId')}, live AS (
      SELECT a.id FROM account a WHERE ${accountAllows('a', ':authenticatedAt')}
    ), may AS (
      SELECT client.client_id, client.token_generation, client.scope, :sessionId AS session_id, NULL::uuid AS upstream_id FROM live, client, allowed
    ), ${beginSessionWithin('account', 'may')}, ${beginSession(['interaction'])}, ${RECORD_SIGN_IN}, ${allOf(within)}${insertGrant(['created', ...within.map(({ gives }) => gives)])}
    SELECT EXISTS (SELECT FROM account) AS is_usable, EXISTS (SELECT FROM created) AS is_created,
           EXISTS (SELECT FROM live) AS is_live, ${GRANTED}`;
}

const BEGINNING = { ...SIGN_IN, ...NEW_GRANT, ...INTERACTION_ROW, ...AUDITED } as const;
const BEGUN = { ...CREATED, is_usable: 'boolean', is_created: 'boolean' } as const;

const BEGIN = statement({
  name: 'grants_begin_session_with_code',
  parameters: BEGINNING,
  row: BEGUN,
  text: beginText([]),
});

const BEGIN_PUSHED = statement({
  name: 'grants_begin_session_with_code_pushed',
  parameters: { ...BEGINNING, ...PUSHED_REQUEST },
  row: BEGUN,
  text: beginText([usesPushed(['may', 'created'])]),
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
    const all = { ...valuesOf(grant), now: this.clock.now() };
    const { pushedHash } = grant;
    if (pushedHash !== undefined)
      return createdOf(
        answering === undefined
          ? (await this.transactions.query(CREATE_PUSHED, { ...all, pushedHash }))[0]
          : (await this.transactions.query(ANSWER_PUSHED, { ...all, ...answering, pushedHash }))[0],
      );
    const rows =
      answering === undefined
        ? await this.transactions.query(CREATE, all)
        : await this.transactions.query(ANSWER, { ...all, ...answering });
    return createdOf(rows[0]);
  }

  /**
   * As {@link createWithCode}, with a session that begins within the interaction that the code answers, and the record of the
   * sign-in. What comes of the grant says something only where the session is `created`.
   */
  async beginSessionWithCode(
    signIn: SignInOfSession,
    interaction: InteractionRow,
    record: AuditedRow,
    grant: NewGrant,
  ): Promise<{ readonly session: CreatedWithin; readonly grant: CreatedGrant }> {
    const all = { ...valuesOf(grant), ...signIn, ...interaction, ...record };
    const { pushedHash } = grant;
    const [row] =
      pushedHash === undefined
        ? await this.transactions.query(BEGIN, all)
        : await this.transactions.query(BEGIN_PUSHED, { ...all, pushedHash });
    return { session: createdWithinOf(row), grant: createdOf(row) };
  }
}

function valuesOf({ consent, ...values }: NewGrant) {
  return { ...values, consentScope: consent?.consentScope, consentClaims: consent?.consentClaims };
}

function createdOf(row: Readonly<RowOf<typeof CREATED>> | undefined): CreatedGrant {
  if (row?.is_granted === true) return 'created';
  if (row?.is_live !== true) return 'session_over';
  if (!row.may_have_it) return 'client_refused';
  return row.is_allowed ? 'answered_before' : 'not_allowed';
}
