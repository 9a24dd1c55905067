import { Inject, Injectable } from '@nestjs/common';
import { MINUTE } from '../../platform/clock/durations.js';
import { SETTINGS, type Settings } from '../../platform/config/settings.js';
import { Clock } from '../../platform/clock/clock.js';
import { TransactionRunner, type Tx } from '../../platform/database/transaction.js';
import { TooManyRequestsError } from '../../platform/oidc/errors.js';
import { newSecret, sha256 } from '../../platform/oidc/secret.js';
import type { AddressLimiter } from '../../platform/rate-limits/address-limiter.js';
import { RateLimits } from '../../platform/rate-limits/rate-limits.js';
import { InteractionSeals, suffixOf, type BegunInteraction } from './interaction-seals.js';
import { OPEN_MS } from './interaction-times.js';
import type { Interaction, InteractionPurpose } from './interaction.js';
import { InteractionRepository, type StoredInteraction } from './interaction.repository.js';
import type { InteractionRow } from './interactions.sql.js';

/** A second answer that comes this soon is the same click, on a slow line. */
const SAME_CLICK_MS = MINUTE;
/** Of the secret that the id of a stored interaction begins with. */
const SECRET_LENGTH = 43;

/** What has come of an interaction, as its row says. */
type Outcome = Pick<StoredInteraction, 'session_id' | 'answered_at'>;

/**
 * Interactions, each bound to the browser that began it and used up by its answer
 * (docs/threat-model.md#callback-used-twice).
 *
 * The id is the interaction itself, sealed, and after it the client's id: a bookmark that does not open any more still says
 * where it led to. A row is written by what comes of it. One that is too long for an address is stored as it begins; then
 * its id is a secret, with the client's id behind it.
 */
@Injectable()
export class InteractionsService {
  private readonly rows: AddressLimiter;

  constructor(
    private readonly transactions: TransactionRunner,
    private readonly repository: InteractionRepository,
    private readonly seals: InteractionSeals,
    private readonly clock: Clock,
    limits: RateLimits,
    @Inject(SETTINGS) settings: Settings,
  ) {
    this.rows = limits.addressLimiter('interactions', settings.authorizePerMinute, 60);
  }

  /**
   * @param sessionId the session in which the person has just proved who they are
   * @returns the id for the URL
   * @throws TooManyRequestsError when it has to be stored, and this address left too many rows
   */
  async begin(purpose: InteractionPurpose, browserHash: Buffer, address: string, sessionId?: string): Promise<string> {
    const request = purpose.kind === 'authorize' ? purpose.request : undefined;
    const client = Buffer.from(request?.clientId ?? '').toString('base64url');
    const sealed = this.seals.seal(purpose, browserHash, sessionId, client);
    if (sealed !== undefined) return sealed;
    await this.count(address);
    const id = newSecret() + client;
    await this.repository.insert({
      interactionHash: hashOf(id),
      interactionBrowser: browserHash,
      interactionBegan: this.clock.now(),
      interactionExpires: this.clock.in(OPEN_MS),
      clientId: request?.clientId,
      request,
      sessionId,
    });
    return id;
  }

  /**
   * Counts one more row that this address leaves without a proof of who is there: of an interaction that is stored as it
   * begins, of a refusal, of a round trip to another provider.
   * @throws TooManyRequestsError
   */
  async count(address: string): Promise<void> {
    const retryAfterSeconds = await this.rows.consume(address);
    if (retryAfterSeconds !== undefined)
      throw new TooManyRequestsError('Too many sign-ins were begun from your network.', retryAfterSeconds);
  }

  /** Undefined when it is unknown, gone, or another browser's. */
  async find(id: string, browserHash: Buffer): Promise<Interaction | undefined> {
    const begun = this.seals.open(id);
    if (begun === undefined) return ownOf(await this.findStored(id), browserHash);
    if (!begun.row.interactionBrowser.equals(browserHash)) return undefined;
    return this.toInteraction(begun, await this.repository.find(begun.row.interactionHash));
  }

  /**
   * As {@link find}, without asking what has come of it: the state says whether its time is over, and nothing of an answer.
   * For a step whose own statement finds that out.
   */
  async findAsBegun(id: string, browserHash: Buffer): Promise<Interaction | undefined> {
    const begun = this.seals.open(id);
    return begun === undefined
      ? ownOf(await this.findStored(id), browserHash)
      : ownOf(this.toInteraction(begun, undefined), browserHash);
  }

  /**
   * What it was about, in whichever browser it began. No code may be issued from it: to continue means to begin a new
   * one.
   */
  async findOfAnyBrowser(id: string): Promise<Interaction | undefined> {
    const begun = this.seals.open(id);
    return begun === undefined ? this.findStored(id) : this.toInteraction(begun, undefined);
  }

  /** The client that the id was made for. An id can be made up: it proves nothing. */
  clientIdOf(id: string): string | undefined {
    const clientId = Buffer.from(suffixOf(id) ?? id.slice(SECRET_LENGTH), 'base64url').toString();
    return clientId === '' ? undefined : clientId;
  }

  async authenticated(row: InteractionRow, sessionId: string): Promise<void> {
    await this.repository.setSession(row, sessionId);
  }

  /**
   * Has a session begun within it, one after the other: of two forms that were sent by one double click, the second
   * gets the session of the first, whose cookie the browser may have thrown away with that answer.
   * @param begin with the session that is there already; what it returns is remembered
   * @returns with the interaction as it is then; undefined when `begin` made none
   */
  async signedIn<Started extends { readonly sessionId: string }>(
    interaction: Interaction,
    begin: (tx: Tx, earlier: string | undefined) => Promise<Started | undefined>,
  ): Promise<{ readonly started: Started; readonly answeredAt: Date | null } | undefined> {
    return this.transactions.run(async (tx) => {
      const held = await this.repository.hold(tx, interaction.row);
      const started = await begin(tx, held.sessionId ?? interaction.sessionId);
      if (started === undefined) return undefined;
      await this.repository.setSession(interaction.row, started.sessionId, tx);
      return { started, answeredAt: held.answeredAt };
    });
  }

  /** Uses it up. False when another request was first: then no code may be issued from it. */
  async finish(row: InteractionRow): Promise<boolean> {
    return this.repository.answer(row, this.clock.now());
  }

  /** The state of an interaction of which this is known. */
  stateOf(row: InteractionRow, answeredAt: Date | null): Interaction['state'] {
    if (answeredAt !== null) return 'answered';
    return row.interactionExpires.getTime() <= this.clock.now().getTime() ? 'lapsed' : 'open';
  }

  private async findStored(id: string): Promise<Interaction | undefined> {
    // What looks sealed and does not open is in no table.
    const stored = suffixOf(id) === undefined ? await this.repository.find(hashOf(id)) : undefined;
    return stored === undefined ? undefined : this.toInteraction(asBegun(hashOf(id), stored), stored);
  }

  private toInteraction({ purpose, row, sessionId }: BegunInteraction, outcome: Outcome | undefined): Interaction {
    const answeredAt = outcome?.answered_at ?? null;
    const sameClick = answeredAt === null || this.clock.now().getTime() - answeredAt.getTime() < SAME_CLICK_MS;
    return {
      ...purpose,
      row,
      sessionId: sameClick ? (outcome?.session_id ?? sessionId) : undefined,
      state: this.stateOf(row, answeredAt),
    };
  }
}

function ownOf(interaction: Interaction | undefined, browserHash: Buffer): Interaction | undefined {
  return interaction?.row.interactionBrowser.equals(browserHash) === true ? interaction : undefined;
}

function asBegun(idHash: Buffer, stored: StoredInteraction): BegunInteraction {
  return {
    purpose: stored.request === null ? { kind: 'own_page' } : { kind: 'authorize', request: stored.request },
    sessionId: undefined,
    row: {
      interactionHash: idHash,
      interactionBrowser: stored.browser_hash,
      interactionBegan: stored.created_at,
      interactionExpires: stored.expires_at,
    },
  };
}

function hashOf(id: string): Buffer {
  return sha256(id.slice(0, SECRET_LENGTH));
}
