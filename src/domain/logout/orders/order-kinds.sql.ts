import type { Parameters } from '../../../platform/database/sql-types.js';
import type { Statement } from '../../../platform/database/statement.js';
import { sessionIsUnterminated } from '../../sessions/sessions.sql.js';
import type { OrderTarget } from './logout-order.js';

/**
 * Rows `x` that are looked at one after another, along an index: however many of them an order is not about, a step looks at
 * so many and notes how far it is.
 */
export interface Walk {
  readonly from: string;
  /** What the index begins with. */
  readonly among: string;
  /** The columns of the index after that, each a uuid; together they are unique. */
  readonly along: readonly string[];
  /** The order is about it, and has not dealt with it yet. */
  readonly due: string;
}

/** What an order is about, in SQL with the parameters `:number` (the order's) and `:targetId`. */
export interface KindSql {
  /** Of which type the id of the target is; null: the target has none. */
  readonly targetId: 'uuid' | 'text' | null;
  /** Rows that name sessions, by `account_id` and `sessionId`. These may be over. */
  readonly sessions: Walk & { readonly sessionId: string };
  /** Grants that fall wherever they were made. */
  readonly grants: Walk;
  /** Grants `g` that fall with the sessions of a batch. */
  readonly sessionGrants: string;
  /** The sessions continue, and only this participant is notified. */
  readonly toldOnly?: string;
}

/** The row began before the order. */
export function beganBefore(row: string): string {
  return `${row}.began_after_order < :number`;
}

/** Also those that have expired and that are not on record: they are this order's as long as it is at work. */
function liveSessions(among: string): KindSql['sessions'] {
  return {
    from: 'sessions x',
    among: `${among}${sessionIsUnterminated('x')}`,
    along: ['x.account_id', 'x.id'],
    due: beganBefore('x'),
    sessionId: 'x.id',
  };
}

function grants(among: string, due = 'true'): Walk {
  return {
    from: 'grants x',
    among,
    along: ['x.account_id', 'x.id'],
    due: `x.revoked_at IS NULL AND ${beganBefore('x')} AND ${due}`,
  };
}

/**
 * Of rows that are found by their sessions. What must not look like a key to an index: that of the client's rows would be read
 * through for each batch.
 */
const OF_THE_CLIENT = (row: string): string => `${row}.client_id IS NOT DISTINCT FROM :targetId`;

const OFFLINE_OF_CLIENT = grants('x.client_id = :targetId', 'x.offline');

const KINDS: Readonly<Record<OrderTarget['kind'], KindSql>> = {
  everyone: {
    targetId: null,
    sessions: liveSessions(''),
    grants: grants('true'),
    sessionGrants: 'true',
  },
  account: {
    targetId: 'uuid',
    sessions: liveSessions('x.account_id = :targetId AND '),
    grants: grants('x.account_id = :targetId'),
    sessionGrants: 'g.account_id = :targetId',
  },
  upstream: {
    targetId: 'uuid',
    sessions: {
      from: 'session_upstreams x',
      among: 'x.upstream_id = :targetId',
      along: ['x.account_id', 'x.session_id'],
      due: beganBefore('x'),
      sessionId: 'x.session_id',
    },
    grants: grants('x.upstream_id = :targetId'),
    // One with offline_access hangs on its own upstream, not on the session's (`grantOutlivesOrders`).
    sessionGrants: '(NOT g.offline OR g.upstream_id = :targetId)',
  },
  client: {
    targetId: 'text',
    sessions: {
      from: 'session_clients x',
      among: 'x.client_id = :targetId',
      along: ['x.session_id'],
      due: beganBefore('x'),
      sessionId: 'x.session_id',
    },
    grants: grants('x.client_id = :targetId'),
    sessionGrants: OF_THE_CLIENT('g'),
    toldOnly: OF_THE_CLIENT('sc'),
  },
  'client-offline': {
    targetId: 'text',
    // Where it worked with a grant that falls. In the person's other sessions nothing changed for it.
    sessions: { ...OFFLINE_OF_CLIENT, sessionId: 'x.session_id' },
    grants: OFFLINE_OF_CLIENT,
    sessionGrants: `${OF_THE_CLIENT('g')} AND g.offline`,
    toldOnly: OF_THE_CLIENT('sc'),
  },
};

/** The parameters that say what the order is about. */
export function aboutParameters({ targetId }: KindSql): Parameters {
  return { number: 'bigint', ...(targetId === null ? {} : { targetId }) };
}

/** What the order is about, as values. A kind without an id leaves `targetId` unread. */
export interface AboutOrder {
  readonly number: string;
  readonly targetId: string | null;
}

/** A statement for each kind of target. */
export function byKind<Values, Row>(
  make: (name: string, kind: KindSql) => Statement<never, Row>,
): Readonly<Record<OrderTarget['kind'], Statement<Values & AboutOrder, Row>>> {
  const made = Object.entries(KINDS).map(([name, kind]) => [name, make(name.replaceAll('-', '_'), kind)]);
  return Object.fromEntries(made) as Record<OrderTarget['kind'], Statement<Values & AboutOrder, Row>>;
}
