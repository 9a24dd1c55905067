import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { SETTINGS, type Settings } from '../config/settings.js';
import { Clock } from '../database/clock.js';
import { Retention } from '../database/retention.js';
import { TransactionRunner } from '../database/transaction.js';
import { TooManyRequestsError } from '../oidc/errors.js';
import { newSecret, sha256 } from '../oidc/secret.js';
import type { AddressLimiter } from '../rate-limits/address-limiter.js';
import { RateLimits } from '../rate-limits/rate-limits.js';
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
  private readonly begun: AddressLimiter;

  constructor(
    private readonly transactions: TransactionRunner,
    private readonly clock: Clock,
    private readonly retention: Retention,
    limits: RateLimits,
    @Inject(SETTINGS) settings: Settings,
  ) {
    this.begun = limits.addressLimiter('interactions', settings.authorizePerMinute, 60);
  }

  onModuleInit(): void {
    this.retention.register({ table: 'interactions', key: 'id_hash', condition: 'expires_at < $1', keepMs: 0 });
  }

  /**
   * @returns the id for the URL; only its hash is stored
   * @throws TooManyRequestsError when this address began too many: nobody had to prove anything to come this far
   */
  async begin(request: AuthorizationRequest | undefined, browserHash: Buffer, address: string): Promise<string> {
    await this.count(address);
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

  /** Counts one more row that this address leaves. @throws TooManyRequestsError */
  async count(address: string): Promise<void> {
    const retryAfterSeconds = await this.begun.consume(address);
    if (retryAfterSeconds !== undefined)
      throw new TooManyRequestsError('Too many sign-ins were begun from your network.', retryAfterSeconds);
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
