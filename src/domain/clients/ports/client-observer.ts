import type { Tx } from '../../../platform/database/transaction.js';
import type { ClientMetadata } from '../../../platform/oidc/client-metadata.js';
import type { Client } from '../client.js';

/** What follows from a change of a client's metadata where clients are not known: `logout` has notices for them. */
export abstract class ClientObserver {
  /** In the transaction of the change. */
  abstract changed(tx: Tx, before: ClientMetadata, after: Client): Promise<void>;
}
