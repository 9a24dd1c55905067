/**
 * SQL about `audit_events` that other modules put into their own statements, where a second round trip would cost more
 * than the record of it is worth.
 */

/** CTE `name`: each row of `source` (id, at, details) is on record as `event`. The ids are UUIDs of version 7. */
export function recordEvents(name: string, event: string, source: string): string {
  return `
${name} AS (
  INSERT INTO audit_events (id, at, event, outcome, details) SELECT x.id, x.at, '${event}', 'done', x.details FROM (${source}) x
)`;
}
