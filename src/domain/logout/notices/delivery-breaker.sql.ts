import { fragment } from '../../../platform/database/statement.js';

const FIRST_PAUSE_SECONDS = 5;
/** A recovered application is noticed within a minute; a dead one costs one request a minute, however many notices wait. */
const LONGEST_PAUSE_SECONDS = 60;

/** How long the pause after so many failed probes is. */
function pauseAfter(failedProbes: string): string {
  return `make_interval(secs => least(${FIRST_PAUSE_SECONDS} * power(2, least(${failedProbes}, 10)), ${LONGEST_PAUSE_SECONDS}) * :jitter)`;
}

/**
 * Carries `outcomes` (client_id, alive, failures, probe, retry_after_ms, error_code; one row for each application) over to
 * the breakers: CTEs `closed` and `failing`. In the statement that records the attempts, so that breakers cost no round
 * trip and every node counts in the same row.
 *
 * A breaker opens after `:threshold` failures in a row. From then on one probe at a time goes through, after a pause that
 * doubles with each probe that failed. Stragglers that were under way when it opened do not lengthen the pause, and no
 * pause is shorter than the application asked for (`Retry-After`). `:jitter` shortens each pause.
 */
export const NOTE_HEALTH = fragment({
  needs: ['outcomes'],
  gives: ['closed', 'failing'],
  parameters: { now: 'timestamptz', threshold: 'int', jitter: 'float8' },
  text: `
closed AS (
  DELETE FROM logout_delivery_breakers b USING outcomes h WHERE b.client_id = h.client_id AND h.alive RETURNING b.client_id
),
failing AS (
  INSERT INTO logout_delivery_breakers AS b (client_id, failures, failed_probes, opened_at, probe_at, last_error)
  SELECT h.client_id, h.failures, CASE WHEN h.probe THEN 1 ELSE 0 END, CASE WHEN h.failures >= :threshold THEN :now END,
         :now + greatest(${pauseAfter('0')}, make_interval(secs => coalesce(h.retry_after_ms, 0) / 1000.0)), h.error_code
    FROM outcomes h WHERE NOT h.alive AND h.failures > 0 ORDER BY h.client_id
  ON CONFLICT (client_id) DO UPDATE SET
    failures = b.failures + excluded.failures,
    failed_probes = CASE WHEN b.opened_at IS NULL THEN 0 ELSE b.failed_probes + excluded.failed_probes END,
    opened_at = coalesce(b.opened_at, CASE WHEN b.failures + excluded.failures >= :threshold THEN :now END),
    probe_at = CASE WHEN b.opened_at IS NOT NULL AND excluded.failed_probes = 0 THEN greatest(b.probe_at, excluded.probe_at)
                    ELSE greatest(excluded.probe_at, :now + ${pauseAfter('b.failed_probes + excluded.failed_probes')}) END,
    last_error = excluded.last_error
  RETURNING b.client_id, b.opened_at, b.probe_at
)`,
});
