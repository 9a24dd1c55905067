import { firstIdAt } from '../../../platform/database/day-partitions.js';
import { limitAlongIndex } from '../../../platform/database/sql-text.js';
import { fragment, type Fragment } from '../../../platform/database/statement.js';

/**
 * SQL about notices that several statements share. Those that were not accepted are in `logout_deliveries`, the accepted
 * ones in `logout_delivered`, which is kept by day.
 */

/** From when the age of `d` counts: neither its place in an order's queue nor a pause makes it old. */
export const AGES_FROM = 'greatest(d.created_at, d.ages_from, d.resent_at)';

/**
 * Notices that no process is sending at `:now`. A new one belongs to its logout's process first: then only its time
 * tells.
 */
export const UNCLAIMED = `(d.claimed_until IS NULL OR d.claimed_until <= :now) AND (d.attempts > 0 OR d.next_attempt_at <= :now)`;

/** In how many shares pending notices are parted among nodes. */
export const BUCKETS = 16;

/** The share of a person: the last bits of the account's id, which are random. */
function bucketOf(accountId: string): string {
  return `get_byte(uuid_send(${accountId}), 15) & ${BUCKETS - 1}`;
}

/**
 * Notices of `source`, an alias of the query `from` with termination_id, account_id, client_id and sid, are pending: CTE
 * `notices`, which returns what they are. Their ids begin with the time of their termination's.
 */
export function enqueueNotices(from: {
  readonly source: string;
  readonly from: string;
  readonly needs: readonly string[];
  readonly parameters?: Fragment['parameters'];
  readonly cause: string;
  readonly due: string;
  readonly orderId?: string;
  readonly traceparent?: string;
}): Fragment {
  const { source: s, cause, due, orderId, traceparent = 'NULL::text' } = from;
  return fragment({
    needs: from.needs,
    gives: ['notices'],
    parameters: { now: 'timestamptz', ...from.parameters },
    text: `
     notices AS (
       INSERT INTO logout_deliveries (id, termination_id, client_id, account_id, bucket, cause, sub, sid, state, attempts, next_attempt_at,
                                      created_at, order_id, ages_from, traceparent)
       SELECT (substr(${s}.termination_id::text, 1, 15) || substr(gen_random_uuid()::text, 16))::uuid, ${s}.termination_id, ${s}.client_id,
              ${s}.account_id, ${bucketOf(`${s}.account_id`)}, ${cause}, ${s}.account_id::text, ${s}.sid, 'pending', 0, ${due}, :now,
              ${orderId ?? 'NULL::uuid'}, ${orderId === undefined ? 'NULL::timestamptz' : due}, ${traceparent}
         FROM ${from.from}
       RETURNING id, termination_id, client_id, sub, sid
     )`,
  });
}

const KEPT = 'id, termination_id, client_id, sub, sid, attempts, created_at, finished_at, resent_at';

const NO_ACCEPTED_ATTEMPT = `NULL::text AS jti, NULL::timestamptz AS started_at, NULL::int AS duration_ms, NULL::int AS status`;
const UNDELIVERED = `SELECT ${KEPT}, state, next_attempt_at, last_error, ${NO_ACCEPTED_ATTEMPT} FROM logout_deliveries`;
const DELIVERED = `SELECT ${KEPT}, 'delivered' AS state, NULL::timestamptz AS next_attempt_at, NULL::text AS last_error, jti, started_at, duration_ms, status
      FROM logout_delivered`;

const UNDELIVERED_STATES = ['pending', 'rejected', 'abandoned'] as const;

/**
 * The notice `d` is in the state. By a query of its own, so that no index about one state alone is taken: it has them in
 * another order, and while it is small it looks as good as the one that begins with the state and leads to the notice.
 */
export function isInState(d: string, state: (typeof UNDELIVERED_STATES)[number]): string {
  return `${d}.state = (SELECT '${state}')`;
}

function inState(state: (typeof UNDELIVERED_STATES)[number]): string {
  return `${UNDELIVERED} x WHERE ${isInState('x', state)}`;
}

/**
 * All notices, whichever table they are in; `jti` and what follows is of the accepted attempt. A relation without a name. A
 * branch for each state, since the indexes begin with it.
 */
export const NOTICES = `(${UNDELIVERED_STATES.map(inState).join(' UNION ALL ')} UNION ALL ${DELIVERED})`;

const LAST_ID = `'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid`;
/** A notice is made in the moment of its termination, by clocks that are less than this apart. */
const APART = `interval '1 hour'`;

/** What a filter takes besides states and error codes, and where a page begins. */
export const NOTICE_FILTER_PARAMETERS = {
  cursor: 'uuid?',
  cursorTermination: 'uuid?',
  state: 'text?',
  clientId: 'text?',
  terminationId: 'uuid?',
  errorCode: 'text?',
  createdAfter: 'timestamptz?',
  createdBefore: 'timestamptz?',
} as const;

/** In one comparison where the page begins, so that an index is entered there; times bound the ids, too. */
const FILTER = `(termination_id, id) < (coalesce(:cursorTermination, ${LAST_ID}), coalesce(:cursor, ${LAST_ID}))
      AND (:clientId IS NULL OR client_id = :clientId) AND (:terminationId IS NULL OR termination_id = :terminationId)
      AND (:createdAfter IS NULL OR (created_at >= :createdAfter AND termination_id >= ${firstIdAt(`(:createdAfter - ${APART})`)}))
      AND (:createdBefore IS NULL OR (created_at < :createdBefore AND termination_id < ${firstIdAt(`(:createdBefore + ${APART})`)}))`;

const inOrder = (limit: string): string => `ORDER BY termination_id DESC, id DESC ${limitAlongIndex(limit)}`;
const asksFor = (state: string): string => `(:state IS NULL OR :state = '${state}')`;

/**
 * Notices that were not accepted and fit the filter ({@link NOTICE_FILTER_PARAMETERS}), the newest first in each branch: queries
 * of which each gives `limit` of one state. Every combination of state, application and error code has an index in this order,
 * so a page is read from the place where it begins, however many others there are.
 */
export function undeliveredInOrder(limit: string, condition = 'true'): string {
  return UNDELIVERED_STATES.map(
    (state) =>
      `(${inState(state)} AND ${asksFor(state)} AND ${FILTER}
        AND (:errorCode IS NULL OR last_error = :errorCode) AND ${condition} ${inOrder(limit)})`,
  ).join('\n      UNION ALL ');
}

/** As {@link undeliveredInOrder}, accepted ones among them: a relation without a name. */
export function noticesInOrder(limit: string): string {
  const accepted = `(${DELIVERED} WHERE ${asksFor('delivered')} AND ${FILTER} AND :errorCode IS NULL ${inOrder(limit)})`;
  return `(${undeliveredInOrder(limit)}\n      UNION ALL ${accepted})`;
}

/**
 * As {@link NOTICES}, the one with the id `:id`. It begins with the time of its termination's, so only the day of `:from`
 * and `:to` is looked at; ids of older versions do not, and have an index of their own.
 */
export const NOTICE = `(${UNDELIVERED} WHERE id = :id
      UNION ALL ${DELIVERED} WHERE id = :id AND termination_id BETWEEN :from AND :to
      UNION ALL ${DELIVERED} WHERE id = :id AND random_id)`;

/**
 * How the notices of the termination with the id `t` stand: rows (client_id, state, notices, attempts, finished_at), one
 * for each application and state. By key in both tables.
 * @param limit how many notices are looked at, as SQL
 */
export function noticesStand(t: string, limit = 'ALL'): string {
  return `
    SELECT d.client_id, d.state, count(*)::int AS notices, sum(d.attempts)::int AS attempts, max(d.finished_at) AS finished_at
      FROM (SELECT x.client_id, x.state, x.attempts, x.finished_at FROM ${NOTICES} x WHERE x.termination_id = ${t} LIMIT ${limit}) d
     GROUP BY d.client_id, d.state`;
}

/** The client `clientId` has notices that it has not accepted. The others are history, and stay when the client goes. */
export function clientHasNotices(clientId: string): string {
  const some = (state: string): string =>
    `EXISTS (SELECT 1 FROM logout_deliveries d WHERE d.state = '${state}' AND d.client_id = ${clientId})`;
  return `(${UNDELIVERED_STATES.map(some).join(' OR ')})`;
}
