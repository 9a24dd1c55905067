import type { Parameters } from '../../../platform/database/sql-types.js';
import type { Statement } from '../../../platform/database/statement.js';
import { sessionIsUnterminated } from '../../sessions/sessions.sql.js';
import type { OrderTarget } from './logout-order.js';

/** What an order is about, in SQL with the parameters `:number` (the order's) and `:targetId`. */
export interface KindSql {
  /** Of which type the id of the target is; null: the target has none. */
  readonly targetId: 'uuid' | 'text' | null;
  /** Sessions `s` (and participants `sc`) that the order is about and that are not dealt with yet. */
  readonly from: string;
  readonly where: string;
  /** What the cursor counts along; unique. */
  readonly cursor: string;
  readonly cursorType: 'uuid' | 'text';
  /** Grants `g` that fall with the sessions of a batch. */
  readonly sessionGrants: string;
  /** Grants `g` that fall wherever they were made. */
  readonly grants: string;
  /** The sessions continue, and only this participant is notified. */
  readonly toldOnly?: string;
}

/** The row began before the order. */
export function beganBefore(row: string): string {
  return `${row}.began_after_order < :number`;
}

/** Also those that have expired and that are not on record: they are this order's as long as it is at work. */
const UNTERMINATED = sessionIsUnterminated('s');

const KINDS: Readonly<Record<OrderTarget['kind'], KindSql>> = {
  everyone: {
    targetId: null,
    from: 'sessions s',
    where: `${beganBefore('s')} AND ${UNTERMINATED}`,
    cursor: 's.id',
    cursorType: 'uuid',
    sessionGrants: 'true',
    grants: 'true',
  },
  account: {
    targetId: 'uuid',
    from: 'sessions s',
    where: `s.account_id = :targetId AND ${beganBefore('s')} AND ${UNTERMINATED}`,
    cursor: 's.id',
    cursorType: 'uuid',
    sessionGrants: 'g.account_id = :targetId',
    grants: 'g.account_id = :targetId',
  },
  upstream: {
    targetId: 'uuid',
    from: 'sessions s',
    where: `s.id IN (SELECT u.session_id FROM session_upstreams u WHERE u.upstream_id = :targetId AND ${beganBefore('u')}) AND ${UNTERMINATED}`,
    cursor: 's.id',
    cursorType: 'uuid',
    // One with offline_access hangs on its own upstream, not on the session's (`grantOutlivesOrders`).
    sessionGrants: '(NOT g.offline OR g.upstream_id = :targetId)',
    grants: 'g.upstream_id = :targetId',
  },
  client: {
    targetId: 'text',
    from: 'session_clients sc JOIN sessions s ON s.id = sc.session_id',
    where: `sc.client_id = :targetId AND ${beganBefore('sc')} AND ${UNTERMINATED}`,
    cursor: 'sc.sid',
    cursorType: 'text',
    sessionGrants: 'g.client_id = :targetId',
    grants: 'g.client_id = :targetId',
    toldOnly: 'sc.client_id = :targetId',
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
  const made = Object.entries(KINDS).map(([name, kind]) => [name, make(name, kind)]);
  return Object.fromEntries(made) as Record<OrderTarget['kind'], Statement<Values & AboutOrder, Row>>;
}
