import { statement } from '../../../platform/database/statement.js';
import { firstGrantsOfClient, firstGrantsOfUpstream } from '../../tokens/tokens.sql.js';
import { firstParticipantsOf, firstSessionsOfUpstream } from '../../sessions/sessions.sql.js';

const OF_CLIENT = { targetId: 'text', limit: 'int' } as const;
const ROW = { rows: 'int' } as const;

function greatest(...counts: readonly string[]): string {
  return `SELECT greatest(${counts.join(', ')})::int AS rows`;
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
    text: greatest(firstParticipantsOf(':targetId', ':limit'), firstGrantsOfClient(':targetId', ':limit')),
  }),
  'client-offline': statement({
    name: 'logout_orders_rows_of_client_offline',
    parameters: OF_CLIENT,
    row: ROW,
    text: greatest(firstGrantsOfClient(':targetId', ':limit')),
  }),
  upstream: statement({
    name: 'logout_orders_rows_of_upstream',
    parameters: { targetId: 'uuid', limit: 'int' },
    row: ROW,
    text: greatest(firstSessionsOfUpstream(':targetId', ':limit'), firstGrantsOfUpstream(':targetId', ':limit')),
  }),
};
