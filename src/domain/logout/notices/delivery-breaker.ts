/** What an attempt tells about the application itself, whatever it says about the notice. */
export type ApplicationHealth =
  /** It answered: the notice may have been refused, but somebody is there. */
  | 'alive'
  /** Nobody answered, or only to say "not now": network failure, 5xx, 429. */
  | 'failing';

/** The breaker of one application, as operators see it. */
export interface DeliveryBreaker {
  readonly clientId: string;
  readonly failures: number;
  readonly failedProbes: number;
  /** Undefined: closed, notices go out. */
  readonly openedAt: Date | undefined;
  readonly nextProbeAt: Date | undefined;
  readonly lastError: string | undefined;
}

/** How the breaker of an application stands after its results were recorded; `openUntil` undefined: closed. */
export interface BreakerChange {
  readonly clientId: string;
  readonly openUntil: Date | undefined;
}

const FIRST_PAUSE_SECONDS = 5;
/** A recovered application is noticed within a minute; a dead one costs one request a minute, however many notices wait. */
const LONGEST_PAUSE_SECONDS = 60;

/**
 * CTEs `closed` and `failing`, which carry the outcomes in `heard` (client_id, alive, failures, probe, retry_after_ms,
 * error_code; one row for each application) over to the breakers. In the statement that records the attempts, so that
 * breakers cost no round trip and every node counts in the same row.
 *
 * A breaker opens after `threshold` failures in a row. From then on one probe at a time goes through, after a pause that
 * doubles with each probe that failed. Stragglers that were under way when it opened do not lengthen the pause, and no
 * pause is shorter than the application asked for (`Retry-After`).
 */
export function noteHealth(now: string, threshold: string, jitter: string): string {
  const pause = (failedProbes: string): string =>
    `make_interval(secs => least(${FIRST_PAUSE_SECONDS} * power(2, least(${failedProbes}, 10)), ${LONGEST_PAUSE_SECONDS}) * ${jitter})`;
  const asked = `make_interval(secs => coalesce(h.retry_after_ms, 0) / 1000.0)`;
  return `
closed AS (
  DELETE FROM logout_delivery_breakers b USING heard h WHERE b.client_id = h.client_id AND h.alive RETURNING b.client_id
),
failing AS (
  INSERT INTO logout_delivery_breakers AS b (client_id, failures, failed_probes, opened_at, probe_at, last_error)
  SELECT h.client_id, h.failures, CASE WHEN h.probe THEN 1 ELSE 0 END, CASE WHEN h.failures >= ${threshold} THEN ${now} END,
         ${now} + greatest(${pause('0')}, ${asked}), h.error_code
    FROM heard h WHERE NOT h.alive AND h.failures > 0 ORDER BY h.client_id
  ON CONFLICT (client_id) DO UPDATE SET
    failures = b.failures + excluded.failures,
    failed_probes = CASE WHEN b.opened_at IS NULL THEN 0 ELSE b.failed_probes + excluded.failed_probes END,
    opened_at = coalesce(b.opened_at, CASE WHEN b.failures + excluded.failures >= ${threshold} THEN ${now} END),
    probe_at = CASE WHEN b.opened_at IS NOT NULL AND excluded.failed_probes = 0 THEN greatest(b.probe_at, excluded.probe_at)
                    ELSE greatest(excluded.probe_at, ${now} + ${pause('b.failed_probes + excluded.failed_probes')}) END,
    last_error = excluded.last_error
  RETURNING b.client_id, b.opened_at, b.probe_at
)`;
}
