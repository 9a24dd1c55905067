import type { Parameters } from '../../../platform/database/sql-types.js';
import type { Statement } from '../../../platform/database/statement.js';
import { sessionOutlivesOrders } from '../../../platform/epochs/epochs.sql.js';
import {
  beganUpstream,
  sessionHasNotExpired,
  sessionIsUnterminated,
  theSessionOfCookie,
} from '../../sessions/sessions.sql.js';
import type { LogoutTarget } from '../command/logout.js';

export type TargetKind = LogoutTarget['kind'];
type TargetOf<K extends TargetKind> = Extract<LogoutTarget, { readonly kind: K }>;

/** The parameters of a kind of target are its members, by their names. */
type ParametersOf<T> = { readonly [N in Exclude<keyof T, 'kind'>]: ParameterOf<T[N]> };
type ParameterOf<V> = undefined extends V
  ? 'uuid?' | 'text?'
  : V extends Buffer
    ? 'bytea'
    : V extends number
      ? 'int'
      : 'uuid' | 'text';

/**
 * What a target means, for the statement that ends it and the one that only looks. Both have the CTEs `locked` (the
 * sessions) and `revoked`, and the parameters `:revokesOfflineGrants` and, where `asksNow` says so, `:now`.
 */
export interface TargetSql {
  readonly parameters: Parameters;
  /** Sessions `s` that are locked, so that no application joins them meanwhile. */
  readonly sessions: string;
  /** Null: they end, and every application in them is notified. Otherwise they continue, and this says which participants `p` are. */
  readonly told: string | null;
  /** Grants `g` that are revoked. */
  readonly grants: string;
  /** The participants that are notified take part no longer, and get another `sid` if they come back. */
  readonly leaves?: true;
  readonly asksNow?: true;
}

const UNTERMINATED = sessionIsUnterminated('s');
const NOT_OFFLINE = `(NOT g.offline OR :revokesOfflineGrants)`;
const SESSION_GRANTS = `(g.account_id, g.session_id) IN (SELECT account_id, id FROM locked) AND ${NOT_OFFLINE}`;
/** As {@link SESSION_GRANTS}, where the target names the account. */
const OWN_SESSION_GRANTS = `g.account_id = :accountId AND g.session_id = ANY(ARRAY(SELECT id FROM locked)) AND ${NOT_OFFLINE}`;

export const TARGETS: {
  readonly [K in TargetKind]: TargetSql & { readonly parameters: ParametersOf<TargetOf<K>> };
} = {
  cookie: {
    parameters: { accountId: 'uuid', cookieHash: 'bytea', sessionId: 'uuid?' },
    // By its key, as `theSessionOfCookie` finds it; and the cookie once more, since the row may have got another one while it was waited for.
    sessions: `s.account_id = :accountId AND s.id = (SELECT s.id FROM ${theSessionOfCookie(':accountId', ':cookieHash')})
      AND s.cookie_hash = :cookieHash AND (:sessionId IS NULL OR s.id = :sessionId) AND ${UNTERMINATED}`,
    told: null,
    grants: OWN_SESSION_GRANTS,
  },
  session: {
    parameters: { sessionId: 'uuid' },
    // The account first, by the index of ids: the session is then looked up by its key, and no index of live ones is read through.
    sessions: `s.account_id = (SELECT k.account_id FROM sessions k WHERE k.id = :sessionId LIMIT 1) AND s.id = :sessionId AND ${UNTERMINATED}`,
    told: null,
    grants: SESSION_GRANTS,
  },
  'account-session': {
    parameters: { sessionId: 'uuid', accountId: 'uuid' },
    sessions: `s.account_id = :accountId AND s.id = :sessionId AND ${UNTERMINATED}`,
    told: null,
    grants: OWN_SESSION_GRANTS,
  },
  account: {
    parameters: { accountId: 'uuid', exceptSessionId: 'uuid?' },
    sessions: `s.account_id = :accountId AND s.id IS DISTINCT FROM :exceptSessionId AND ${UNTERMINATED}`,
    told: null,
    grants: `g.account_id = :accountId AND (:exceptSessionId IS NULL OR g.session_id IS DISTINCT FROM :exceptSessionId) AND ${NOT_OFFLINE}`,
  },
  client: {
    parameters: { clientId: 'text' },
    // Also where it is only about to take part: it has a grant, and may be redeeming the code.
    sessions: `${UNTERMINATED} AND (s.account_id, s.id) IN (
      SELECT sc.account_id, sc.session_id FROM session_clients sc WHERE sc.client_id = :clientId
       UNION SELECT g.account_id, g.session_id FROM grants g WHERE g.client_id = :clientId AND g.revoked_at IS NULL)`,
    told: `p.client_id = :clientId`,
    grants: `g.client_id = :clientId AND :revokesOfflineGrants`,
  },
  'client-session': {
    parameters: { accountId: 'uuid', clientId: 'text', sid: 'text' },
    sessions: `${UNTERMINATED} AND s.account_id = :accountId AND s.id = (
      SELECT sc.session_id FROM session_clients sc WHERE sc.account_id = :accountId AND sc.client_id = :clientId AND sc.sid = :sid)`,
    told: null,
    grants: OWN_SESSION_GRANTS,
  },
  'upstream-session': {
    parameters: { issuer: 'text', sid: 'text', sub: 'text?' },
    // Both claims of a logout token must fit the same session. One whose `sid` the upstream never gave us fits by the person:
    // it may be the one that is meant, and nothing else would ever end it. With another known `sid` it is not.
    sessions: `${UNTERMINATED} AND ${beganUpstream(
      's',
      ':issuer',
      `(u.sid = :sid AND (:sub IS NULL OR u.sub = :sub)
      OR u.sid IS NULL AND u.sub = :sub)`,
    )}`,
    told: null,
    grants: SESSION_GRANTS,
  },
  upstream: {
    parameters: { upstreamId: 'uuid' },
    sessions: `${UNTERMINATED} AND (s.account_id, s.id) IN (SELECT u.account_id, u.session_id FROM session_upstreams u WHERE u.upstream_id = :upstreamId)`,
    told: null,
    // Offline ones by who vouched, not by session: that may be over, or be another provider's as well.
    grants: `((g.account_id, g.session_id) IN (SELECT account_id, id FROM locked) AND NOT g.offline
      OR g.upstream_id = :upstreamId AND ${NOT_OFFLINE})`,
  },
  'upstream-subject': {
    parameters: { issuer: 'text', sub: 'text' },
    sessions: `${UNTERMINATED} AND ${beganUpstream('s', ':issuer', 'u.sub = :sub')}`,
    told: null,
    grants: SESSION_GRANTS,
  },
  'session-client': {
    parameters: { accountId: 'uuid', sessionId: 'uuid', clientId: 'text' },
    sessions: `s.account_id = :accountId AND s.id = :sessionId AND ${UNTERMINATED}`,
    told: `p.client_id = :clientId`,
    grants: `${OWN_SESSION_GRANTS} AND g.client_id = :clientId`,
    leaves: true,
  },
  'client-offline': {
    parameters: { clientId: 'text' },
    sessions: `${UNTERMINATED} AND (s.account_id, s.id) IN (
      SELECT g.account_id, g.session_id FROM grants g WHERE g.client_id = :clientId AND g.offline AND g.revoked_at IS NULL)`,
    // Where it worked with a grant that falls. In the person's other sessions nothing changed for it.
    told: `p.client_id = :clientId AND p.session_id IN (SELECT r.session_id FROM revoked r)`,
    grants: `g.client_id = :clientId AND g.offline AND :revokesOfflineGrants`,
  },
  'account-client': {
    parameters: { accountId: 'uuid', clientId: 'text' },
    // Also where it is only about to take part, as with 'client'.
    sessions: `s.account_id = :accountId AND ${UNTERMINATED} AND s.id IN (
      SELECT sc.session_id FROM session_clients sc WHERE sc.account_id = :accountId AND sc.client_id = :clientId
       UNION SELECT g.session_id FROM grants g WHERE g.client_id = :clientId AND g.account_id = :accountId AND g.revoked_at IS NULL)`,
    told: `p.client_id = :clientId`,
    grants: `g.account_id = :accountId AND g.client_id = :clientId AND ${NOT_OFFLINE}`,
  },
  surplus: {
    parameters: { accountId: 'uuid', newSessionId: 'uuid', limit: 'int' },
    // What has expired takes up no room; the sweeper ends it by its own cause. What an order ended is left to that.
    sessions: `s.account_id = :accountId AND ${UNTERMINATED} AND s.id IN (
      SELECT x.id FROM sessions x
       WHERE x.account_id = :accountId AND x.id <> :newSessionId AND ${sessionIsUnterminated('x')}
         AND ${sessionHasNotExpired('x', ':now')} AND ${sessionOutlivesOrders('x', ':accountId')}
       ORDER BY x.last_seen_at DESC, x.id DESC OFFSET :limit - 1)`,
    told: null,
    grants: OWN_SESSION_GRANTS,
    asksNow: true,
  },
  grant: {
    parameters: { accountId: 'uuid', grantId: 'uuid' },
    sessions: `s.account_id = :accountId AND ${UNTERMINATED} AND s.id = (
      SELECT g.session_id FROM grants g WHERE g.account_id = :accountId AND g.id = :grantId)`,
    // The client that revoked it and no other: a stolen token may be used many times at once.
    told: `p.client_id IN (SELECT r.client_id FROM revoked r)`,
    grants: `g.account_id = :accountId AND g.id = :grantId AND :revokesOfflineGrants`,
  },
};

/** A statement for each kind of target, which takes the target's members as values besides `Values`. */
export type ForTargets<Values, Row> = Readonly<Record<TargetKind, Statement<Values & LogoutTarget, Row>>>;

/** @param make a statement whose parameters are those of `Values` and of the target: {@link TARGETS} has them by its type */
export function forTargets<Values, Row>(
  make: (kind: TargetKind, target: TargetSql) => Statement<never, Row>,
): ForTargets<Values, Row> {
  const kinds = Object.keys(TARGETS) as TargetKind[];
  return Object.fromEntries(kinds.map((kind) => [kind, make(kind, TARGETS[kind])])) as ForTargets<Values, Row>;
}
