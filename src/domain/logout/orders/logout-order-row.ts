import { typed, type RowOf } from '../../../platform/database/statement.js';
import { EVERYONE, TARGET_PREFIX } from '../../../platform/epochs/epochs.sql.js';
import type { TerminationCause } from '../command/logout.js';
import type { LogoutOrder, OrderedBy, OrderPhase, OrderState, OrderTarget } from './logout-order.js';

/** The columns of an order that are read. */
export const ORDER = {
  id: 'uuid',
  number: 'bigint',
  target: 'text',
  upstream_name: 'text?',
  reason: 'text?',
  notify_per_second: 'int',
  operator: 'text',
  ordered_by: typed<OrderedBy>('text'),
  cause: typed<TerminationCause>('text'),
  ordered_at: 'timestamptz',
  state: typed<OrderState>('text'),
  phase: typed<OrderPhase>('text'),
  cursor: 'text?',
  total: 'int?',
  counted: 'int',
  done: 'int',
  grants_revoked: 'int',
  deliveries: 'int',
  holds: 'boolean',
  last_notice_at: 'timestamptz?',
  finished_at: 'timestamptz?',
} as const;
export const ORDER_COLUMNS = Object.keys(ORDER)
  .map((column) => `o.${column}`)
  .join(', ');

/** The id in a target; null: everyone. */
export function targetId(target: OrderTarget): string | null {
  switch (target.kind) {
    case 'account':
      return target.accountId;
    case 'client':
    case 'client-offline':
      return target.clientId;
    case 'upstream':
      return target.upstreamId;
    case 'everyone':
      return null;
  }
}

/** A target as `logout_orders.target` has it. */
export function toTargetText(target: OrderTarget): string {
  return target.kind === 'everyone' ? EVERYONE : `${TARGET_PREFIX[target.kind]}${targetId(target)}`;
}

export function toOrder(row: RowOf<typeof ORDER>): LogoutOrder {
  return {
    id: row.id,
    number: row.number,
    target: toTarget(row),
    reason: row.reason,
    notifyPerSecond: row.notify_per_second,
    operator: row.operator,
    orderedBy: row.ordered_by,
    cause: row.cause,
    orderedAt: row.ordered_at,
    state: row.state,
    total: row.total,
    done: row.done,
    grantsRevoked: row.grants_revoked,
    deliveries: row.deliveries,
    finishedAt: row.finished_at,
    lastNoticeAt: row.last_notice_at,
  };
}

function toTarget(row: RowOf<typeof ORDER>): OrderTarget {
  if (row.target === EVERYONE) return { kind: 'everyone' };
  const id = row.target.slice(row.target.indexOf(':') + 1);
  if (row.target.startsWith(TARGET_PREFIX.account)) return { kind: 'account', accountId: id };
  if (row.target.startsWith(TARGET_PREFIX.client)) return { kind: 'client', clientId: id };
  if (row.target.startsWith(TARGET_PREFIX['client-offline'])) return { kind: 'client-offline', clientId: id };
  return { kind: 'upstream', upstreamId: id, name: row.upstream_name ?? id };
}
