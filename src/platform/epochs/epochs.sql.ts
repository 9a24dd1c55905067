/**
 * SQL about `logout_orders` that what an order can end puts into its own statements. It imports nothing, so that
 * `sessions` and `tokens`, which are below, can use it.
 *
 * An order and what it ends are never compared by the time of day: nodes have clocks of their own, and a session begun
 * by a node that is two seconds ahead would outlive an order by another. Orders are numbered in the order in which they
 * commit (see `PLACE` in the repository), and whatever begins keeps the number of the newest order that its statement
 * sees, in `began_after_order`. What began before an order is exactly what has a smaller number.
 */

export const EVERYONE = 'everyone';
export const TARGET_PREFIX = {
  account: 'account:',
  client: 'client:',
  'client-offline': 'client-offline:',
  upstream: 'upstream:',
} as const;

/** The newest order: what begins in this statement begins after it. One index lookup. */
export const NEWEST_ORDER = `(SELECT coalesce(max(o.number), 0) FROM logout_orders o)`;

function anOrder(since: string, targets: readonly string[], which = 'true'): string {
  return `EXISTS (SELECT 1 FROM logout_orders o WHERE o.target = ANY(ARRAY[${targets.join(', ')}]) AND o.number > ${since} AND ${which})`;
}

function ordersOf(s: string, account: string, which?: string): readonly [string, string] {
  const own = anOrder(
    `${s}.began_after_order`,
    [`'${EVERYONE}'`, `'${TARGET_PREFIX.account}' || ${s}.account_id`],
    which,
  );
  // By the link's own number: a session may get it later, when the same person signs in again by that upstream.
  const ofUpstreams = `EXISTS (
      SELECT 1 FROM session_upstreams ou JOIN logout_orders o
          ON o.target = '${TARGET_PREFIX.upstream}' || ou.upstream_id AND o.number > ou.began_after_order
       WHERE ou.account_id = ${account} AND ou.session_id = ${s}.id AND ${which ?? 'true'})`;
  return [own, ofUpstreams];
}

/**
 * No order since it began has ended the session `s`.
 * @param account its account, as the statement knows it: what comes from a row is known too late to look in one partition
 */
export function sessionOutlivesOrders(s: string, account = `${s}.account_id`): string {
  const [own, ofUpstreams] = ordersOf(s, account);
  return `NOT ${own} AND NOT ${ofUpstreams}`;
}

/** The session `s` is dead by an order that is still at work, and is going to be put on record by it, at its rate. */
export function isLeftToOrder(s: string): string {
  return `(${ordersOf(s, `${s}.account_id`, `o.state <> 'done'`).join(' OR ')})`;
}

/** No order since it was made has ended the grant `g` by itself; its session's end is the session's. */
export function grantOutlivesOrders(g: string): string {
  return `NOT ${anOrder(`${g}.began_after_order`, [
    `'${EVERYONE}'`,
    `'${TARGET_PREFIX.account}' || ${g}.account_id`,
    `'${TARGET_PREFIX.client}' || ${g}.client_id`,
    `CASE WHEN ${g}.offline THEN '${TARGET_PREFIX['client-offline']}' || ${g}.client_id END`,
    `'${TARGET_PREFIX.upstream}' || ${g}.upstream_id`,
  ])}`;
}

/** The client `clientId` was deleted, and the order that tells it so has not come to all of its sessions yet. */
export function deletionIsBeingTold(clientId: string): string {
  return `EXISTS (SELECT 1 FROM logout_orders o WHERE o.target = '${TARGET_PREFIX.client}' || ${clientId}
      AND o.cause = 'client_deleted' AND o.phase <> 'notices' AND o.state <> 'done')`;
}

/** Notices of a paused order are due then: not before an operator resumes it. */
export const HELD_BACK = `'9999-12-31T00:00:00Z'::timestamptz`;
