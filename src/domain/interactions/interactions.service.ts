import { Inject, Injectable } from '@nestjs/common';
import { HOUR, MINUTE } from '../../platform/clock/durations.js';
import { SETTINGS, type Settings } from '../../platform/config/settings.js';
import { Clock } from '../../platform/clock/clock.js';
import { TransactionRunner, type Tx } from '../../platform/database/transaction.js';
import { TooManyRequestsError } from '../../platform/oidc/errors.js';
import { newSecret, sha256 } from '../../platform/oidc/secret.js';
import type { AddressLimiter } from '../../platform/rate-limits/address-limiter.js';
import { RateLimits } from '../../platform/rate-limits/rate-limits.js';
import type { Interaction, InteractionPurpose } from './interaction.js';
import { InteractionRepository, type StoredInteraction } from './interaction.repository.js';

/** Long enough to find a password, short enough that a forgotten tab is not a way in. */
const TTL_MS = HOUR;
/** A second answer that comes this soon is the same click, on a slow line. */
const SAME_CLICK_MS = MINUTE;
const SECRET_LENGTH = 43;
const OWN_PAGE = { kind: 'own_page' } as const;

/**
 * Interactions, each bound to the browser that began it and used up by its answer
 * (docs/threat-model.md#callback-used-twice).
 *
 * The id is a secret, and after it the client's id: a bookmark that has outlived its row still says where it led to.
 */
@Injectable()
export class InteractionsService {
  private readonly begun: AddressLimiter;

  constructor(
    private readonly transactions: TransactionRunner,
    private readonly repository: InteractionRepository,
    private readonly clock: Clock,
    limits: RateLimits,
    @Inject(SETTINGS) settings: Settings,
  ) {
    this.begun = limits.addressLimiter('interactions', settings.authorizePerMinute, 60);
  }

  /**
   * @param sessionId the session in which the person has just proved who they are
   * @returns the id for the URL; only its hash is stored
   * @throws TooManyRequestsError when this address began too many: no proof was needed to come this far
   */
  async begin(purpose: InteractionPurpose, browserHash: Buffer, address: string, sessionId?: string): Promise<string> {
    await this.count(address);
    const request = purpose.kind === 'authorize' ? purpose.request : undefined;
    const id = newSecret() + Buffer.from(request?.clientId ?? '').toString('base64url');
    await this.repository.insert({
      idHash: hashOf(id),
      browserHash,
      clientId: request?.clientId,
      request,
      now: this.clock.now(),
      expiresAt: this.clock.in(TTL_MS),
      sessionId,
    });
    return id;
  }

  /** Counts one more row that this address leaves. @throws TooManyRequestsError */
  async count(address: string): Promise<void> {
    const retryAfterSeconds = await this.begun.consume(address);
    if (retryAfterSeconds !== undefined)
      throw new TooManyRequestsError('Too many sign-ins were begun from your network.', retryAfterSeconds);
  }

  /** Undefined when it is unknown, gone, or another browser's. */
  async find(id: string, browserHash: Buffer): Promise<Interaction | undefined> {
    return this.toInteraction(await this.repository.find(hashOf(id), browserHash));
  }

  /**
   * What it was about, in whichever browser it began. No code may be issued from it: to continue means to begin a new
   * one.
   */
  async findOfAnyBrowser(id: string): Promise<Interaction | undefined> {
    return this.toInteraction(await this.repository.find(hashOf(id), undefined));
  }

  /** The client that the id was made for. An id can be made up: it proves nothing. */
  clientIdOf(id: string): string | undefined {
    const clientId = Buffer.from(id.slice(SECRET_LENGTH), 'base64url').toString();
    return clientId === '' ? undefined : clientId;
  }

  async authenticated(id: string, sessionId: string): Promise<void> {
    await this.repository.setSession(hashOf(id), sessionId);
  }

  /**
   * Has a session begun within it, one after the other: of two forms that were sent by one double click, the second
   * gets the session of the first, whose cookie the browser may have thrown away with that answer.
   * @param begin with the session that is there already; what it returns is remembered
   */
  async signedIn<Started extends { readonly sessionId: string }>(
    id: string,
    begin: (tx: Tx, earlier: string | undefined) => Promise<Started | undefined>,
  ): Promise<Started | undefined> {
    const idHash = hashOf(id);
    return this.transactions.run(async (tx) => {
      const started = await begin(tx, await this.repository.lock(tx, idHash));
      if (started !== undefined) await this.repository.setSession(idHash, started.sessionId, tx);
      return started;
    });
  }

  /** Uses it up. False when another request was first: then no code may be issued from it. */
  async finish(id: string): Promise<boolean> {
    return this.repository.answer(hashOf(id), this.clock.now());
  }

  private toInteraction(row: StoredInteraction | undefined): Interaction | undefined {
    if (row === undefined) return undefined;
    const { answered_at: answeredAt } = row;
    const now = this.clock.now().getTime();
    const sameClick = answeredAt === null || now - answeredAt.getTime() < SAME_CLICK_MS;
    return {
      ...(row.request === null ? OWN_PAGE : { kind: 'authorize', request: row.request }),
      sessionId: sameClick ? (row.session_id ?? undefined) : undefined,
      state: answeredAt !== null ? 'answered' : row.expires_at.getTime() <= now ? 'lapsed' : 'open',
    };
  }
}

function hashOf(id: string): Buffer {
  return sha256(id.slice(0, SECRET_LENGTH));
}
