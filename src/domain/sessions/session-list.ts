import { Injectable } from '@nestjs/common';
import { Clock } from '../../platform/clock/clock.js';
import type { Page, PageRequest } from '../../platform/database/page.js';
import { statement } from '../../platform/database/statement.js';
import { TransactionRunner } from '../../platform/database/transaction.js';
import { sessionOutlivesOrders } from '../../platform/epochs/epochs.sql.js';
import type { ParticipatingClient } from './participating-client.js';
import { SESSION_COLUMNS, toSession, type SessionRow } from './session-rows.js';
import type { SessionWithClients } from './session.js';

const CLIENTS = `LEFT JOIN LATERAL (
       SELECT json_agg(json_build_object('clientId', sc.client_id, 'sid', sc.sid, 'joinedAt', sc.joined_at) ORDER BY sc.joined_at) AS clients
         FROM session_clients sc WHERE sc.session_id = s.id
     ) c ON true`;
/** `$3` says that ended ones are wanted, too; `$4` is now. */
const LISTED = `($3::boolean OR (s.terminated_at IS NULL AND s.expires_at > $4 AND s.idle_expires_at > $4 AND ${sessionOutlivesOrders('s')}))`;
/** In one comparison, so that the index in the order of the list is entered where the page begins. */
const BEFORE = (id: string): string => `${id} < coalesce($5::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')`;

const LIST = statement(
  'sessions_list',
  `SELECT ${SESSION_COLUMNS}, c.clients FROM sessions s ${CLIENTS}
    WHERE ($1::uuid IS NULL OR s.account_id = $1)
      AND ($2::text IS NULL OR EXISTS (SELECT 1 FROM session_clients x WHERE x.session_id = s.id AND x.client_id = $2))
      AND ${LISTED} AND ${BEFORE('s.id')} AND ($6::uuid IS NULL OR s.id = $6)
    ORDER BY s.id DESC LIMIT $7`,
);

/** Along the client's own rows: it may be in none of millions of sessions. OFFSET keeps the two from being joined otherwise. */
const LIST_OF_CLIENT = statement(
  'sessions_list_of_client',
  `SELECT ${SESSION_COLUMNS}, c.clients
     FROM session_clients x
     CROSS JOIN LATERAL (SELECT s.* FROM sessions s WHERE s.id = x.session_id AND ${LISTED} OFFSET 0) s
     ${CLIENTS}
    WHERE x.client_id = $2 AND ${BEFORE('x.session_id')} AND $1::uuid IS NULL AND $6::uuid IS NULL
    ORDER BY x.session_id DESC LIMIT $7`,
);

/** Which sessions a list is of. */
export interface SessionFilter {
  readonly accountId?: string | undefined;
  readonly clientId?: string | undefined;
  readonly includeEnded?: boolean | undefined;
}

interface Wanted extends SessionFilter {
  readonly sessionId?: string;
  readonly cursor?: string | undefined;
  readonly limit: number;
}

/** Sessions with the applications in each, for a person's own list and for operators. */
@Injectable()
export class SessionList {
  constructor(
    private readonly transactions: TransactionRunner,
    private readonly clock: Clock,
  ) {}

  /** Newest first. Ended sessions only when asked for. */
  async list(filter: PageRequest & SessionFilter): Promise<Page<SessionWithClients>> {
    const rows = await this.query({ ...filter, limit: filter.limit + 1 });
    const items = rows.slice(0, filter.limit);
    return { items, nextCursor: rows.length > filter.limit ? items.at(-1)?.id : undefined };
  }

  /** Also one that has ended. */
  async find(sessionId: string): Promise<SessionWithClients | undefined> {
    const [session] = await this.query({ sessionId, includeEnded: true, limit: 1 });
    return session;
  }

  private async query(filter: Wanted): Promise<SessionWithClients[]> {
    const { accountId, clientId } = filter;
    const rows = await this.transactions.query<
      SessionRow & { clients: { clientId: string; sid: string; joinedAt: string }[] | null }
    >(clientId !== undefined && accountId === undefined ? LIST_OF_CLIENT : LIST, [
      accountId ?? null,
      clientId ?? null,
      filter.includeEnded ?? false,
      this.clock.now(),
      filter.cursor ?? null,
      filter.sessionId ?? null,
      filter.limit,
    ]);
    return rows.map((row) => ({ ...toSession(row), clients: (row.clients ?? []).map(toParticipant) }));
  }
}

function toParticipant(client: { clientId: string; sid: string; joinedAt: string }): ParticipatingClient {
  return { clientId: client.clientId, sid: client.sid, joinedAt: new Date(client.joinedAt) };
}
