import { statement } from '../../platform/database/statement.js';
import { clientMayAdminister } from './clients.sql.js';

/** Whether this client can use the admin API; its row is locked. */
export const ADMINISTERS = statement({
  name: 'clients_administers',
  parameters: { clientId: 'text', issuer: 'text' },
  row: { administers: 'boolean?' },
  text: `
    SELECT ${clientMayAdminister('c', ':issuer')} AS administers FROM clients c
     WHERE c.client_id = :clientId AND c.deleted_at IS NULL FOR NO KEY UPDATE OF c`,
});

/** One lock for all changes that take an administrator away, so that two of them never each count on the other. */
export const LOCK_ADMINISTRATORS = statement({
  name: 'clients_lock_administrators',
  parameters: { lock: 'bigint' },
  row: { pg_advisory_xact_lock: 'void' },
  text: 'SELECT pg_advisory_xact_lock(:lock)',
});

/** Two are enough to know: whether there is one, and whether it stands alone. */
export const ADMINISTRATORS = statement({
  name: 'clients_administrators',
  parameters: { issuer: 'text' },
  row: { client_id: 'text' },
  text: `SELECT c.client_id FROM clients c WHERE ${clientMayAdminister('c', ':issuer')} LIMIT 2`,
});
