import { statement } from '../../../platform/database/statement.js';
import { grantsOfAccount, grantsOfClient, grantsOfUpstream } from '../../tokens/tokens.sql.js';
import { liveParticipationsOfAccount, participationsOf, sessionsBegunBy } from '../../sessions/sessions.sql.js';

const OF_CLIENT = { targetId: 'text', limit: 'int' } as const;
const ROW = { rows: 'int' } as const;

function greatest(...relations: readonly string[]): string {
  return `SELECT greatest(${relations.map((rows) => `(SELECT count(*) FROM ${rows} r)`).join(', ')})::int AS rows`;
}

/**
 * How many rows a logout of the target would have to look at, ended ones among them, counted to `:limit`: that many are read
 * and no more.
 */
export const ROWS_OF = {
  client: statement({
    name: 'logout_orders_rows_of_client',
    parameters: OF_CLIENT,
    row: ROW,
    text: greatest(participationsOf(':targetId', ':limit'), grantsOfClient(':targetId', ':limit')),
  }),
  'client-offline': statement({
    name: 'logout_orders_rows_of_client_offline',
    parameters: OF_CLIENT,
    row: ROW,
    text: greatest(grantsOfClient(':targetId', ':limit')),
  }),
  /**
   * Of a person only live sessions are counted, as nearly everybody has more that have ended, and a grant counts for a tenth,
   * as most of them were revoked before.
   */
  account: statement({
    name: 'logout_orders_rows_of_account',
    parameters: { targetId: 'uuid', limit: 'int' },
    row: ROW,
    text: `SELECT greatest(${liveParticipationsOfAccount(':targetId', ':limit')},
            (SELECT count(*) / 10 FROM ${grantsOfAccount(':targetId', ':limit * 10')} r))::int AS rows`,
  }),
  upstream: statement({
    name: 'logout_orders_rows_of_upstream',
    parameters: { targetId: 'uuid', limit: 'int' },
    row: ROW,
    text: greatest(sessionsBegunBy(':targetId', ':limit'), grantsOfUpstream(':targetId', ':limit')),
  }),
};
