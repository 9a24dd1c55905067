import { participationsOf, sessionIsUnterminated, sessionsBegunBy } from '../../sessions/sessions.sql.js';
import { grantsOfClient, grantsOfUpstream } from '../../tokens/tokens.sql.js';
import type { LargeTarget } from '../command/logout.js';
import type { TargetKind, TargetSql } from '../termination/termination-targets.sql.js';

const LIMIT = ':countLimit + 1';

/** Where a preview looks for what a target may be about. */
interface Look {
  /** Grants, revoked ones among them. */
  readonly grants: string;
  /** Sessions (account_id, session_id), ended ones among them; may ask `looked_grants`. */
  readonly sessions: string;
  /** Grants that come by their sessions, from those in `locked`. */
  readonly ofSessions?: string;
}

const OF_CLIENT = grantsOfClient(':clientId', LIMIT);

const LOOKS: Readonly<Record<LargeTarget['kind'], Look>> = {
  client: {
    grants: OF_CLIENT,
    sessions: `SELECT p.account_id, p.session_id FROM ${participationsOf(':clientId', LIMIT)} p
       UNION SELECT g.account_id, g.session_id FROM looked_grants g WHERE g.revoked_at IS NULL`,
  },
  'client-offline': {
    grants: OF_CLIENT,
    sessions: `SELECT DISTINCT g.account_id, g.session_id FROM looked_grants g WHERE g.offline AND g.revoked_at IS NULL`,
  },
  upstream: {
    grants: grantsOfUpstream(':upstreamId', LIMIT),
    sessions: `SELECT u.account_id, u.session_id FROM ${sessionsBegunBy(':upstreamId', LIMIT)} u`,
    ofSessions: `(SELECT x.* FROM locked l CROSS JOIN LATERAL (SELECT x.* FROM grants x WHERE x.account_id = l.account_id AND x.session_id = l.id OFFSET 0) x LIMIT ${LIMIT})`,
  },
};

/** The first CTEs of a preview: `locked` (id, account_id), `revoked` (grants), and what they need. */
export interface LookedAt {
  readonly ctes: string;
  /** There was more than was looked at. */
  readonly more: string;
}

/**
 * Of a target that is one person's: what the statement that ends it asks. Of one that may be any number of people's: so many
 * rows of the indexes and no more, each looked up by its key, and of these the same.
 */
export function lookFor(kind: TargetKind, target: TargetSql): LookedAt {
  if (!(kind in LOOKS))
    return {
      ctes: `
     locked AS MATERIALIZED (SELECT s.id, s.account_id FROM sessions s WHERE ${target.sessions} LIMIT ${LIMIT}),
     revoked AS MATERIALIZED (SELECT g.* FROM grants g WHERE g.revoked_at IS NULL AND (${target.grants}) LIMIT ${LIMIT})`,
      more: 'false',
    };
  const { grants, sessions, ofSessions } = LOOKS[kind as LargeTarget['kind']];
  const all =
    ofSessions === undefined ? 'looked_grants' : `(SELECT * FROM looked_grants UNION SELECT * FROM ${ofSessions} y)`;
  return {
    ctes: `
     looked_grants AS MATERIALIZED (SELECT x.* FROM ${grants} x),
     looked AS MATERIALIZED (${sessions}),
     locked AS MATERIALIZED (
       SELECT s.id, s.account_id FROM looked x
        CROSS JOIN LATERAL (SELECT s.id, s.account_id FROM sessions s
                             WHERE s.account_id = x.account_id AND s.id = x.session_id AND ${sessionIsUnterminated('s')} OFFSET 0) s
        LIMIT ${LIMIT}
     ),
     revoked AS MATERIALIZED (SELECT g.* FROM ${all} g WHERE g.revoked_at IS NULL AND (${target.grants}) LIMIT ${LIMIT})`,
    more: 'greatest((SELECT count(*) FROM looked), (SELECT count(*) FROM looked_grants)) > :countLimit',
  };
}
