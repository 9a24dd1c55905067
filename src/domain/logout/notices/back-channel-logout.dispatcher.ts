import {
  Inject,
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import pLimit, { type LimitFunction } from 'p-limit';
import { ClientsService } from '../../clients/clients.service.js';
import type { Client } from '../../clients/client.js';
import { SETTINGS, type Settings } from '../../../platform/config/settings.js';
import { Clock } from '../../../platform/clock/clock.js';
import { warnOf } from '../../../platform/database/storage-log.js';
import { Metrics } from '../../../platform/metrics/metrics.js';
import { BackChannelLogoutClient, healthOf, type AttemptOutcome } from './back-channel-logout.client.js';
import { DeliveryQueueRepository, type AttemptResult } from './delivery-queue.repository.js';
import type { DeliveryState, DueDelivery } from './delivery.js';
import { DeliveryNews } from './delivery-news.js';
import { ReceiptIssuer } from '../receipts/receipt-issuer.js';
import { LogoutTokenIssuer } from './logout-token.issuer.js';
import { retryDelayMs } from './retry-schedule.js';

/** What became of one notice within the time that somebody waited for it. */
export interface SettledDelivery {
  readonly clientId: string;
  readonly clientName: string;
  readonly state: DeliveryState;
}

interface Running {
  /** Until then it is not known by what names to speak of the applications. */
  readonly clients: Promise<ReadonlyMap<string, Client>>;
  readonly all: Promise<unknown>;
  readonly settled: Map<string, SettledDelivery>;
}

const CLAIM_MARGIN_MS = 5_000;
const CLAIM_BATCH = 100;
/** Requests under way from this process, and to one application: a slow one holds its own share, not the others'. */
const MAX_IN_FLIGHT = 200;
const MAX_IN_FLIGHT_PER_CLIENT = 8;
/** When an application has so few of its share left, more of its notices are claimed. */
const REFILL_AT = 4;
/** Outcomes are remembered this long after their logout, for the page that asks. */
const REMEMBER_MS = 60_000;

/**
 * Sends notices: those of a logout at once, all in parallel, and whatever is due by polling. Each attempt has a fresh
 * token. A notice leaves `pending` only as delivered, rejected or abandoned, and each of these is written down.
 */
@Injectable()
export class BackChannelLogoutDispatcher implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(BackChannelLogoutDispatcher.name);
  private readonly inFlight = pLimit(MAX_IN_FLIGHT);
  private readonly perClient = new Map<string, LimitFunction>();
  private readonly running = new Map<string, Running>();
  private readonly attempts = new Set<Promise<void>>();
  private unrecorded: { result: AttemptResult; terminationId: string; done: (error?: unknown) => void }[] = [];
  /** Notices of each application that are claimed or waiting in this process. */
  private readonly underWay = new Map<string, number>();
  /** Applications of which the last claim took all that they may have: there is probably more. */
  private readonly full = new Set<string>();
  /** Applications with an open breaker, as far as this process knows, until when. Storage decides; this spares asking. */
  private readonly open = new Map<string, Date>();
  private claimAgain = false;
  private recording: Promise<void> | undefined;
  private poll: NodeJS.Timeout | undefined;
  private polling: Promise<void> | undefined;
  private stopping = false;

  constructor(
    private readonly deliveries: DeliveryQueueRepository,
    private readonly clients: ClientsService,
    private readonly tokens: LogoutTokenIssuer,
    private readonly client: BackChannelLogoutClient,
    private readonly receipts: ReceiptIssuer,
    private readonly news: DeliveryNews,
    private readonly metrics: Metrics,
    private readonly clock: Clock,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  onApplicationBootstrap(): void {
    this.poll = setInterval(() => void this.sendDue(), this.settings.deliveryPollMs);
    this.poll.unref();
  }

  /** Finishes what is under way, up to the shutdown's time limit. What is left is claimed by another node, or later. */
  async beforeApplicationShutdown(): Promise<void> {
    this.stopping = true;
    clearInterval(this.poll);
    await this.polling;
    const limit = new Promise((resolve) => setTimeout(resolve, this.settings.shutdownTimeoutMs).unref());
    await Promise.race([this.idle(), limit]);
  }

  /** The notices of a logout that has just committed. Returns at once; {@link settled} waits. */
  sendNow(terminationId: string, due: readonly DueDelivery[]): void {
    if (due.length === 0 || this.stopping) return;
    const settled = new Map<string, SettledDelivery>();
    const clients = this.clientsOf(due);
    const all = this.track(this.sendAll(due, clients, settled));
    this.running.set(terminationId, { clients, all, settled });
    void all.finally(() => setTimeout(() => this.running.delete(terminationId), REMEMBER_MS).unref());
  }

  /**
   * What has become of a logout's notices by now, after waiting up to `budgetMs` for all of them. Notices that are
   * still under way are `pending`; with no budget at all that is most of them, but none is left out.
   */
  async settled(terminationId: string, budgetMs: number): Promise<SettledDelivery[]> {
    const running = this.running.get(terminationId);
    if (running === undefined) return [];
    await running.clients;
    let timer: NodeJS.Timeout | undefined;
    await Promise.race([running.all, new Promise((resolve) => (timer = setTimeout(resolve, budgetMs)))]);
    clearTimeout(timer);
    return [...running.settled.values()];
  }

  /** Claims what is due and sends it, batch by batch, until nothing is. One run at a time in a process. */
  sendDue(): Promise<void> {
    this.polling ??= this.claimAndSend()
      .catch((error: unknown) => warnOf(this.logger, 'due notices were not claimed', error))
      .finally(() => {
        this.polling = undefined;
        if (this.claimAgain && !this.stopping) void this.sendDue();
      });
    return this.polling;
  }

  /** Waits until nothing is under way in this process. */
  async idle(): Promise<void> {
    while (this.attempts.size > 0 || this.polling !== undefined)
      await Promise.allSettled([...this.attempts, this.polling]);
  }

  private async claimAndSend(): Promise<void> {
    let claimed = 0;
    do {
      this.claimAgain = false;
      const room = MAX_IN_FLIGHT - sum(this.underWay.values());
      if (room <= 0) return;
      const due = await this.deliveries.claim(
        this.clock.now(),
        this.clock.in(this.settings.deliveryTimeoutMs + CLAIM_MARGIN_MS),
        { limit: Math.min(room, CLAIM_BATCH), perClient: MAX_IN_FLIGHT_PER_CLIENT, underWay: this.underWay },
      );
      claimed = due.length;
      if (claimed === 0) continue;
      void this.track(this.sendAll(due, this.clientsOf(due), new Map()));
      this.noteClaim(due);
    } while ((claimed > 0 || this.claimAgain) && !this.stopping);
  }

  private noteClaim(due: readonly DueDelivery[]): void {
    for (const { clientId, probe } of due) {
      // Storage gave out more than a probe: the breaker has closed, perhaps by another node's doing.
      if (probe !== true) this.open.delete(clientId);
      if ((this.underWay.get(clientId) ?? 0) >= MAX_IN_FLIGHT_PER_CLIENT) this.full.add(clientId);
    }
  }

  private begin(clientId: string): void {
    this.underWay.set(clientId, (this.underWay.get(clientId) ?? 0) + 1);
  }

  /** Notices wait in the table, not in front of others: more of them are claimed as those under way are done. */
  private done(clientId: string): void {
    const left = (this.underWay.get(clientId) ?? 1) - 1;
    if (left === 0) this.underWay.delete(clientId);
    else this.underWay.set(clientId, left);
    if (left > REFILL_AT || this.stopping || !this.full.delete(clientId)) return;
    this.claimAgain = true;
    void this.sendDue();
  }

  private isOpen(clientId: string): boolean {
    const until = this.open.get(clientId);
    if (until === undefined) return false;
    if (until > this.clock.now()) return true;
    this.open.delete(clientId);
    return false;
  }

  private clientsOf(due: readonly DueDelivery[]): Promise<ReadonlyMap<string, Client>> {
    return this.clients
      .findEvenDeleted([...new Set(due.map((delivery) => delivery.clientId))])
      .catch((error: unknown) => {
        // The claim lapses and the notices are tried again; nothing is lost and nothing is called done.
        warnOf(this.logger, 'notices wait', error);
        return new Map<string, Client>();
      });
  }

  private async sendAll(
    due: readonly DueDelivery[],
    clients: Promise<ReadonlyMap<string, Client>>,
    settled: Map<string, SettledDelivery>,
  ): Promise<void> {
    for (const { clientId } of due) this.begin(clientId);
    const found = await clients;
    await Promise.all(
      due.map((delivery) =>
        this.guard(this.sendOne(delivery, found.get(delivery.clientId), settled)).finally(() =>
          this.done(delivery.clientId),
        ),
      ),
    );
  }

  private track(sending: Promise<void>): Promise<void> {
    const tracked = sending.finally(() => this.attempts.delete(tracked));
    this.attempts.add(tracked);
    return tracked;
  }

  /** One notice that cannot be recorded does not keep the others from being awaited. */
  private guard(attempt: Promise<void>): Promise<void> {
    return attempt.catch((error: unknown) =>
      warnOf(this.logger, 'an attempt was not recorded and will be made again', error),
    );
  }

  private async sendOne(
    delivery: DueDelivery,
    client: Client | undefined,
    settled: Map<string, SettledDelivery>,
  ): Promise<void> {
    if (client === undefined) return;
    const clientName = client.metadata.client_name ?? client.clientId;
    settled.set(delivery.id, { clientId: client.clientId, clientName, state: 'pending' });
    const result = await this.limitOf(client.clientId)(() => this.inFlight(() => this.attempt(delivery, client)));
    if (result === undefined) return;
    await this.record(result, delivery.terminationId);
    settled.set(delivery.id, { clientId: client.clientId, clientName, state: result.state });
  }

  /**
   * Undefined when it waited in line so long that its claim may lapse on the way, or the application's breaker has
   * opened meanwhile: then whoever claims it next sends it.
   */
  private async attempt(delivery: DueDelivery, client: Client): Promise<AttemptResult | undefined> {
    const startedAt = this.clock.now();
    if (delivery.probe !== true && this.isOpen(client.clientId)) return undefined;
    if (startedAt.getTime() + this.settings.deliveryTimeoutMs > delivery.claimedUntil.getTime()) return undefined;
    const start = performance.now();
    const { jti, jwt } = await this.tokens.issue(client, delivery);
    const outcome = await this.client.send(client, jwt);
    const number = delivery.attempts + 1;
    return {
      deliveryId: delivery.id,
      number,
      jti,
      startedAt,
      durationMs: Math.round(performance.now() - start),
      status: outcome.status,
      errorCode: outcome.kind === 'accepted' ? undefined : outcome.errorCode,
      health: healthOf(outcome),
      probe: delivery.probe,
      retryAfterMs: outcome.kind === 'failed' ? outcome.retryAfterMs : undefined,
      ...this.next(delivery, outcome, number),
    };
  }

  private next(
    delivery: DueDelivery,
    outcome: AttemptOutcome,
    attempts: number,
  ): { readonly state: DeliveryState; readonly nextAttemptAt: Date } {
    const now = this.clock.now();
    if (outcome.kind === 'accepted') return { state: 'delivered', nextAttemptAt: now };
    if (outcome.kind === 'rejected') return { state: 'rejected', nextAttemptAt: now };
    if (outcome.kind === 'undeliverable') return { state: 'abandoned', nextAttemptAt: now };
    const nextAttemptAt = this.clock.in(retryDelayMs(attempts, outcome.retryAfterMs));
    const tooOld =
      nextAttemptAt.getTime() - (delivery.agesFrom ?? delivery.createdAt).getTime() > this.settings.deliveryMaxAgeMs;
    return { state: tooOld ? 'abandoned' : 'pending', nextAttemptAt };
  }

  private limitOf(clientId: string): LimitFunction {
    let limit = this.perClient.get(clientId);
    if (limit === undefined) {
      limit = pLimit(MAX_IN_FLIGHT_PER_CLIENT);
      this.perClient.set(clientId, limit);
    }
    return limit;
  }

  /** Results that come while others are being written are written together: fifty applications do not mean fifty statements. */
  private record(result: AttemptResult, terminationId: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.unrecorded.push({
        result,
        terminationId,
        done: (error) => (error === undefined ? resolve() : reject(error)),
      });
      this.recording ??= this.recordAll().finally(() => (this.recording = undefined));
    });
  }

  /** Whoever looks on, and whoever writes the receipts, need not wait for their next poll. */
  private tell(recorded: readonly { readonly result: AttemptResult; readonly terminationId: string }[]): void {
    this.news.announce();
    const ended = recorded.filter(({ result }) => result.state !== 'pending');
    if (ended.length > 0) this.receipts.hint(ended.map(({ terminationId }) => terminationId));
  }

  private async recordAll(): Promise<void> {
    // One turn of the event loop, for what has answered in the same moment.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.unrecorded.length > 0) {
      const batch = this.unrecorded;
      this.unrecorded = [];
      try {
        await this.recordBatch(batch.map(({ result }) => result));
        for (const { done } of batch) done();
        this.tell(batch);
      } catch (error) {
        for (const { done } of batch) done(error);
      }
    }
  }

  private async recordBatch(results: readonly AttemptResult[]): Promise<void> {
    const now = this.clock.now();
    const breakers = await this.deliveries.record(results, now, this.settings.deliveryBreakerFailures);
    for (const { state } of results) this.metrics.countDeliveryAttempt(state === 'pending' ? 'retried' : state);
    for (const { clientId, openUntil } of breakers) {
      if (openUntil === undefined) this.open.delete(clientId);
      else this.open.set(clientId, openUntil);
    }
    const open = breakers.filter(({ openUntil }) => openUntil !== undefined).map(({ clientId }) => clientId);
    if (open.length === 0) return;
    const tooOld = new Date(now.getTime() - this.settings.deliveryMaxAgeMs);
    const ended = await this.deliveries.abandonOld(open, now, tooOld);
    if (ended.length > 0) this.receipts.hint(ended);
  }
}

function sum(numbers: Iterable<number>): number {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
}
