import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Clock } from '../database/clock.js';
import { Retention } from '../database/retention.js';
import { TransactionRunner } from '../database/transaction.js';
import { newSecret, sha256 } from '../oidc/secret.js';
import type { AuthorizationRequest } from './authorization-request.js';
import { InteractionEntity } from './entities/interaction.entity.js';

/** Long enough to find a password, short enough that a forgotten tab is not a way in. */
const TTL_MS = 60 * 60_000;

/** A person is being asked something. */
export interface Interaction {
  /** Undefined when they came to see their own sessions. */
  readonly request: AuthorizationRequest | undefined;
  /** The session in which they proved, within this interaction, who they are. */
  readonly sessionId: string | undefined;
}

/** Interactions, each bound to the browser that began it and used up by its answer (abuse case A21). */
@Injectable()
export class InteractionsService implements OnModuleInit {
  constructor(
    private readonly transactions: TransactionRunner,
    private readonly clock: Clock,
    private readonly retention: Retention,
  ) {}

  onModuleInit(): void {
    this.retention.register({ table: 'interactions', key: 'id_hash', condition: 'expires_at < $1', keepMs: 0 });
  }

  /** @returns the id for the URL; only its hash is stored */
  async begin(request: AuthorizationRequest | undefined, browserHash: Buffer): Promise<string> {
    const id = newSecret();
    const row = {
      idHash: sha256(id),
      browserHash,
      clientId: request?.clientId ?? null,
      request: request ?? null,
      createdAt: this.clock.now(),
      expiresAt: this.clock.in(TTL_MS),
      sessionId: null,
    };
    await this.transactions.run((tx) => tx.manager.insert(InteractionEntity, row as never));
    return id;
  }

  /** Undefined when it is unknown, lapsed, answered, or another browser's. */
  async find(id: string, browserHash: Buffer): Promise<Interaction | undefined> {
    const row = await this.transactions.reader.findOneBy(InteractionEntity, { idHash: sha256(id), browserHash });
    if (row === null || row.expiresAt <= this.clock.now()) return undefined;
    return { request: row.request ?? undefined, sessionId: row.sessionId ?? undefined };
  }

  async authenticated(id: string, sessionId: string): Promise<void> {
    await this.transactions.run((tx) => tx.manager.update(InteractionEntity, { idHash: sha256(id) }, { sessionId }));
  }

  /** Uses it up. False when somebody was first: then nothing may be answered from it. */
  async finish(id: string): Promise<boolean> {
    const { affected } = await this.transactions.run((tx) =>
      tx.manager.delete(InteractionEntity, { idHash: sha256(id) }),
    );
    return affected === 1;
  }
}
