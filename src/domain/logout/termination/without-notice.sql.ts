import { noticesStand } from '../notices/deliveries.sql.js';

/**
 * What `session_terminations.without_notice` keeps of the participants in `source` (`client_id`, `told`), where `told`
 * is what `howClientIsNotified` says: those that get no notice, application by application, so that it does not grow with
 * the number of sessions. One jsonb value.
 */
export function withoutNotice(source: string): string {
  return `(SELECT coalesce(${listed('w')}, '[]')
       FROM (SELECT x.client_id, x.told, count(*)::int AS sessions FROM ${source} x WHERE x.told <> 'back_channel' GROUP BY x.client_id, x.told) w)`;
}

/** As {@link withoutNotice}, by termination: a relation (termination_id, list), without those that have none. */
export function withoutNoticeOfEach(source: string): string {
  return `(SELECT w.termination_id, ${listed('w')} AS list
       FROM (SELECT x.termination_id, x.client_id, x.told, 1 AS sessions FROM ${source} x WHERE x.told <> 'back_channel') w
      GROUP BY w.termination_id)`;
}

function listed(w: string): string {
  return `jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
         'client_id', ${w}.client_id, 'state', CASE WHEN ${w}.told = 'front_channel' THEN 'asked' ELSE 'not_told' END,
         'reason', CASE WHEN ${w}.told <> 'front_channel' THEN ${w}.told END, 'sessions', ${w}.sessions)) ORDER BY ${w}.client_id, ${w}.told)`;
}

/**
 * How the applications of the termination `t` stand: rows (client_id, state, reason, notices, attempts, finished_at),
 * one for each application and state. Applications without a notice are among them, with none.
 * @param limit how many notices are looked at, as SQL
 */
export function standingsOf(t: string, limit = 'ALL'): string {
  return `
    SELECT n.client_id, n.state, NULL::text AS reason, n.notices, n.attempts, n.finished_at FROM (${noticesStand(`${t}.id`, limit)}) n
     UNION ALL
    SELECT w.client_id, w.state, w.reason, 0, 0, NULL
      FROM jsonb_to_recordset(${t}.without_notice) AS w(client_id text, state text, reason text)`;
}
