import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Retention } from '../../platform/database/retention.js';
import { statement } from '../../platform/database/statement.js';
import { DELETED_CLIENT_KEPT_MS, removeClients } from '../clients/clients.sql.js';
import { clientHasConsents } from '../consents/consents.sql.js';
import { clientHasNotices } from '../logout/notices/deliveries.sql.js';
import { clientHasParticipants } from '../sessions/sessions.sql.js';
import { clientHasGrants } from '../tokens/tokens.sql.js';

const DEPENDENTS = [clientHasParticipants, clientHasGrants, clientHasConsents, clientHasNotices];

const REMOVE = statement({
  name: 'clients_remove_deleted',
  parameters: { before: 'timestamptz' },
  row: { removed: 'int' },
  plannedAnew: true,
  text: removeClients(':before', (clientId) => DEPENDENTS.map((has) => `NOT ${has(clientId)}`).join(' AND ')),
});

/**
 * Removes the rows of clients that were deleted long ago, each once nothing is left of what grows with its use: the owners'
 * own rules take that away first, in batches. Without that one delete would take along everything that an application ever
 * had, and fail for good once that takes longer than a statement may.
 */
@Injectable()
export class ClientRemoval implements OnModuleInit {
  constructor(private readonly retention: Retention) {}

  onModuleInit(): void {
    this.retention.register({ table: 'clients', removal: REMOVE, keepMs: DELETED_CLIENT_KEPT_MS });
  }
}
