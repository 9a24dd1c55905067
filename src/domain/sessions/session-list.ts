import { Injectable } from '@nestjs/common';
import { Clock } from '../../platform/clock/clock.js';
import { toPage, type Page, type PageRequest } from '../../platform/database/page.js';
import { statement, typed, type RowOf } from '../../platform/database/statement.js';
import { TransactionRunner } from '../../platform/database/transaction.js';
import { sessionOutlivesOrders } from '../../platform/epochs/epochs.sql.js';
import type { ParticipatingClient } from './participating-client.js';
import { SESSION_COLUMNS, SESSION_SELECTED, toSession } from './session-rows.js';
import type { SessionWithClients } from './session.js';

const COLUMNS = {
  ...SESSION_COLUMNS,
  clients: typed<readonly { clientId: string; sid: string; joinedAt: string }[] | null>('json?'),
} as const;

const clientsOf = (account: string): string => `LEFT JOIN LATERAL (
        SELECT json_agg(json_build_object('clientId', sc.client_id, 'sid', sc.sid, 'joinedAt', sc.joined_at) ORDER BY sc.joined_at) AS clients
          FROM session_clients sc WHERE sc.account_id = ${account} AND sc.session_id = s.id
      ) c ON true`;
const isListed = (account: string): string =>
  `(:includeEnded OR (s.terminated_at IS NULL AND s.expires_at > :now AND s.idle_expires_at > :now AND ${sessionOutlivesOrders('s', account)}))`;
const CLIENTS = clientsOf('s.account_id');
const LISTED = isListed('s.account_id');
/** In one comparison, so that the index in the order of the list is entered where the page begins. */
const BEFORE = (id: string): string => `${id} < coalesce(:cursor, 'ffffffff-ffff-ffff-ffff-ffffffffffff')`;

const PAGE = { includeEnded: 'boolean', now: 'timestamptz', cursor: 'uuid?', limit: 'int' } as const;
/**
 * So many rows are looked at for one page, whether the sessions are listed or have ended: after an order for everyone a
 * page would otherwise read all of them.
 */
const LOOK = 1000;

const LIST = statement({
  name: 'sessions_list',
  parameters: PAGE,
  row: COLUMNS,
  text: `
    SELECT ${SESSION_SELECTED}, c.clients
      FROM (SELECT s.* FROM sessions s WHERE ${BEFORE('s.id')} ORDER BY s.id DESC LIMIT ${LOOK}) s ${CLIENTS}
     WHERE ${LISTED} ORDER BY s.id DESC LIMIT :limit`,
});

const LIST_OF_ACCOUNT = statement({
  name: 'sessions_list_of_account',
  parameters: { accountId: 'uuid', clientId: 'text?', ...PAGE },
  row: COLUMNS,
  text: `
    SELECT ${SESSION_SELECTED}, c.clients
      -- By the key alone, and in its order: an index of all live sessions looks as good where nothing was analyzed.
      FROM (SELECT k.* FROM sessions k WHERE k.account_id = :accountId AND ${BEFORE('k.id')} ORDER BY k.id DESC OFFSET 0) s ${clientsOf(':accountId')}
     WHERE (:clientId IS NULL OR EXISTS (
             SELECT 1 FROM session_clients x WHERE x.account_id = :accountId AND x.session_id = s.id AND x.client_id = :clientId))
       AND ${isListed(':accountId')}
     ORDER BY s.id DESC LIMIT :limit`,
});

/** Along the client's own rows: it may be in none of millions of sessions. OFFSET keeps the two from being joined otherwise. */
const LIST_OF_CLIENT = statement({
  name: 'sessions_list_of_client',
  parameters: { clientId: 'text', ...PAGE },
  row: COLUMNS,
  text: `
    SELECT ${SESSION_SELECTED}, c.clients
      FROM (SELECT x.account_id, x.session_id FROM session_clients x
             WHERE x.client_id = :clientId AND ${BEFORE('x.session_id')} ORDER BY x.session_id DESC LIMIT ${LOOK}) x
      CROSS JOIN LATERAL (SELECT s.* FROM sessions s
                           WHERE s.account_id = x.account_id AND s.id = x.session_id AND ${LISTED} OFFSET 0) s
      ${CLIENTS}
     ORDER BY x.session_id DESC LIMIT :limit`,
});

/** Where the look for a page ended; no row: there was nothing left to look at. */
const LOOKED_TO = statement({
  name: 'sessions_looked_to',
  parameters: { cursor: 'uuid?' },
  row: { id: 'uuid' },
  text: `SELECT s.id FROM sessions s WHERE ${BEFORE('s.id')} ORDER BY s.id DESC OFFSET ${LOOK - 1} LIMIT 1`,
});
const LOOKED_TO_OF_CLIENT = statement({
  name: 'sessions_looked_to_of_client',
  parameters: { clientId: 'text', cursor: 'uuid?' },
  row: { id: 'uuid' },
  text: `
    SELECT x.session_id AS id FROM session_clients x WHERE x.client_id = :clientId AND ${BEFORE('x.session_id')}
     ORDER BY x.session_id DESC OFFSET ${LOOK - 1} LIMIT 1`,
});

const FIND = statement({
  name: 'sessions_find',
  parameters: { id: 'uuid' },
  row: COLUMNS,
  text: `
    SELECT ${SESSION_SELECTED}, c.clients FROM sessions s ${CLIENTS}
     WHERE s.id = :id`,
});

/** Which sessions a list is of. */
export interface SessionFilter {
  readonly accountId?: string | undefined;
  readonly clientId?: string | undefined;
  readonly includeEnded?: boolean | undefined;
}

/** Sessions with the applications in each, for a person's own list and for operators. */
@Injectable()
export class SessionList {
  constructor(
    private readonly transactions: TransactionRunner,
    private readonly clock: Clock,
  ) {}

  /**
   * Newest first. Ended sessions only when asked for. A page that is not of one account may be short, or empty, and have a
   * next one: so much was looked at for it, and the rest had ended.
   */
  async list(filter: PageRequest & SessionFilter): Promise<Page<SessionWithClients>> {
    const { accountId, clientId, cursor, limit } = filter;
    const page = { includeEnded: filter.includeEnded ?? false, now: this.clock.now(), cursor, limit: limit + 1 };
    if (accountId !== undefined)
      return pageOf(await this.transactions.list(LIST_OF_ACCOUNT, { ...page, accountId, clientId }), limit);
    const found = pageOf(
      await (clientId === undefined
        ? this.transactions.list(LIST, page)
        : this.transactions.list(LIST_OF_CLIENT, { ...page, clientId })),
      limit,
    );
    if (found.nextCursor !== undefined) return found;
    const [last] = await (clientId === undefined
      ? this.transactions.list(LOOKED_TO, { cursor })
      : this.transactions.list(LOOKED_TO_OF_CLIENT, { clientId, cursor }));
    return { items: found.items, nextCursor: last?.id };
  }

  /** Also one that has ended. */
  async find(id: string): Promise<SessionWithClients | undefined> {
    const [row] = await this.transactions.query(FIND, { id });
    return row === undefined ? undefined : toSessionWithClients(row);
  }
}

function pageOf(rows: readonly RowOf<typeof COLUMNS>[], limit: number): Page<SessionWithClients> {
  return toPage(rows.map(toSessionWithClients), limit, ({ id }) => id);
}

function toSessionWithClients(row: RowOf<typeof COLUMNS>): SessionWithClients {
  return { ...toSession(row), clients: (row.clients ?? []).map(toParticipant) };
}

function toParticipant(client: { clientId: string; sid: string; joinedAt: string }): ParticipatingClient {
  return { clientId: client.clientId, sid: client.sid, joinedAt: new Date(client.joinedAt) };
}
