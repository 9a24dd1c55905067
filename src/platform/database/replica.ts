import { Logger } from '@nestjs/common';
import pg, { type Pool, type QueryConfig } from 'pg';
import { statement, type RowOf } from './statement.js';
import { codeOf } from './storage-errors.js';

/** Where the primary's log ends: what was committed before is in it, written to disk or not. */
export const POSITION = statement({
  name: 'replica_position',
  row: { position: 'text' },
  text: 'SELECT pg_catalog.pg_current_wal_insert_lsn()::text AS position',
});
export type Position = RowOf<typeof POSITION>['position'];

const HAS_REPLAYED = `
  SELECT pg_catalog.pg_is_in_recovery() AND pg_catalog.pg_last_wal_replay_lsn() >= $1::pg_lsn AS there`;
const CONNECTIONS = 4;
const CONNECT_MS = 1000;
const ANSWER_MS = 15_000;
/** How often the replica is asked whether it is there, and how long it may take in all. */
const TRIES = 5;
const PAUSE_MS = 40;
/** After a failure nothing is asked of it for so long. */
const AWAY_MS = 10_000;

/**
 * A standby that lists are read from (`DATABASE_REPLICA_URL`). It answers only when it has replayed what the primary had
 * written when it was asked, so that a list shows what was done before, by whichever node. Otherwise, and when it
 * fails in any way, there is no answer, and the caller reads the primary.
 */
export class Replica {
  private readonly logger = new Logger(Replica.name);
  private readonly pool: Pool;
  private awayUntil = 0;
  /** How many lists it has answered. */
  answered = 0;

  constructor(url: string) {
    this.pool = new pg.Pool({
      connectionString: url,
      application_name: 'exeunt-lists',
      max: CONNECTIONS,
      connectionTimeoutMillis: CONNECT_MS,
      idleTimeoutMillis: 30_000,
      query_timeout: ANSWER_MS,
    });
    this.pool.on('error', () => undefined);
  }

  /** Whether it is worth asking. */
  get mayAnswer(): boolean {
    return performance.now() >= this.awayUntil;
  }

  /** The rows; undefined: it is away, or behind. */
  async rows<Row extends object>(query: QueryConfig, position: Position): Promise<Row[] | undefined> {
    try {
      if (!(await this.reaches(position))) return undefined;
      const { rows } = await this.pool.query<Row>(query);
      this.answered += 1;
      return rows;
    } catch (error) {
      this.awayUntil = performance.now() + AWAY_MS;
      this.logger.warn(`the replica does not answer, and lists are read from the primary: ${codeOf(error)}`);
      return undefined;
    }
  }

  async close(): Promise<void> {
    await this.pool.end();
  }

  private async reaches(position: Position): Promise<boolean> {
    for (let left = TRIES; ; left -= 1) {
      const { rows } = await this.pool.query<{ there: boolean | null }>(HAS_REPLAYED, [position]);
      if (rows[0]?.there === true) return true;
      if (left === 1) return false;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}
