import { Injectable } from '@nestjs/common';
import { v4 as uuid } from 'uuid';
import { Clock } from '../../platform/clock/clock.js';
import { MINUTE } from '../../platform/clock/durations.js';
import { Sealer } from '../../platform/keys/sealer.js';
import { isAdministrator, type Client } from '../clients/client.js';
import { ClientsService } from '../clients/clients.service.js';
import { ConsoleSessionRepository } from './console-session.repository.js';

const SEALED = 'console';
/** A secret in a cookie's stead is for looking something up, not for a day at the desk. */
export const CLIENT_TTL_MS = 30 * MINUTE;

interface SealedClient {
  /** Of the row that must be there: leaving deletes it, and then no copy of the cookie opens anything. */
  readonly id: string;
  readonly clientId: string;
  /** A client that was changed since signs in again, and so does one that something was taken from, at any time. */
  readonly updatedAt: number;
  readonly generation: number;
}

/** The console's sessions of admin clients: a sealed cookie, and a row that must be there. */
@Injectable()
export class ClientConsoleSessions {
  constructor(
    private readonly clients: ClientsService,
    private readonly sealer: Sealer,
    private readonly clock: Clock,
    private readonly repository: ConsoleSessionRepository,
  ) {}

  /** @returns the value of the cookie that opens the console for this client */
  async begin(client: Client): Promise<string> {
    const value: SealedClient = {
      id: uuid(),
      clientId: client.clientId,
      updatedAt: client.updatedAt.getTime(),
      generation: client.tokenGeneration,
    };
    await this.repository.insert(value.id, value.clientId, this.clock.in(CLIENT_TTL_MS));
    return this.sealer.seal(SEALED, value, CLIENT_TTL_MS);
  }

  /** Whose cookie this is, while the client still administers and nothing of it was changed. */
  async find(cookie: string | undefined): Promise<Client | undefined> {
    const sealed = cookie === undefined ? undefined : this.sealer.open<SealedClient>(SEALED, cookie);
    if (sealed?.id === undefined) return undefined;
    if (!(await this.repository.isAlive(sealed.id, sealed.clientId, this.clock.now()))) return undefined;
    const client = await this.clients.findEnabled(sealed.clientId);
    if (client === undefined || !isAdministrator(client)) return undefined;
    const { updatedAt, tokenGeneration } = client;
    return updatedAt.getTime() === sealed.updatedAt && tokenGeneration === sealed.generation ? client : undefined;
  }

  /** Ends a client's session of the console, in every copy of its cookie. */
  async end(cookie: string | undefined): Promise<void> {
    const sealed = cookie === undefined ? undefined : this.sealer.open<SealedClient>(SEALED, cookie);
    if (sealed?.id !== undefined) await this.repository.delete(sealed.id);
  }
}
