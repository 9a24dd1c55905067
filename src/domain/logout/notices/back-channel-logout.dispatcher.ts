import {
  Inject,
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { ClientsService } from '../../clients/clients.service.js';
import type { Client } from '../../clients/client.js';
import { SETTINGS, type Settings } from '../../../platform/config/settings.js';
import { Clock } from '../../../platform/clock/clock.js';
import { PeriodicTask } from '../../../platform/database/periodic-task.js';
import { warnOf } from '../../../platform/database/storage-log.js';
import { claimLeaseMs } from './claim-lease.js';
import { DeliveryQueueRepository, type AttemptResult } from './delivery-queue.repository.js';
import { DeliveryRecorder } from './delivery-recorder.js';
import { DeliverySender } from './delivery-sender.js';
import type { DeliveryState, DueDelivery } from './delivery.js';
import { InFlight } from './in-flight.js';

/** What became of one notice within the time that the caller waited for it. */
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

/** Outcomes are remembered this long after their logout, for the page that asks. */
const REMEMBER_MS = 60_000;

/**
 * Sends notices: those of a logout at once, all in parallel, and whatever is due by polling. Each attempt has a fresh
 * token. A notice leaves `pending` only as delivered, rejected or abandoned, and each of these is written down.
 */
@Injectable()
export class BackChannelLogoutDispatcher implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(BackChannelLogoutDispatcher.name);
  private readonly inFlight = new InFlight();
  private readonly running = new Map<string, Running>();
  private readonly attempts = new Set<Promise<void>>();
  private readonly task = new PeriodicTask(
    () => this.claimAndSend(),
    (error) => warnOf(this.logger, 'due notices were not claimed', error),
  );

  constructor(
    private readonly deliveries: DeliveryQueueRepository,
    private readonly clients: ClientsService,
    private readonly sender: DeliverySender,
    private readonly recorder: DeliveryRecorder,
    private readonly clock: Clock,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  onApplicationBootstrap(): void {
    this.task.start(this.settings.deliveryPollMs);
  }

  /** Finishes what is under way, up to the shutdown's time limit. What is left is claimed by another node, or later. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.task.stop();
    const limit = new Promise((resolve) => setTimeout(resolve, this.settings.shutdownTimeoutMs).unref());
    await Promise.race([this.idle(), limit]);
  }

  /** The notices of a logout that has just committed. Returns at once; {@link settled} waits. */
  sendNow(terminationId: string, due: readonly DueDelivery[]): void {
    if (due.length === 0 || this.task.stopping) return;
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
  async sendDue(): Promise<void> {
    this.task.runSoon();
    await this.task.underWay?.catch(() => undefined); // it is logged
  }

  /** Waits until nothing is under way in this process. */
  async idle(): Promise<void> {
    while (this.attempts.size > 0 || this.task.underWay !== undefined)
      await Promise.allSettled([...this.attempts, this.task.underWay]);
  }

  private async claimAndSend(): Promise<void> {
    let claimed = 0;
    do {
      const shares = this.inFlight.shares();
      if (shares === undefined) return;
      const due = await this.deliveries.claim(this.clock.now(), this.clock.in(claimLeaseMs(this.settings)), shares);
      claimed = due.length;
      if (claimed === 0) continue;
      void this.track(this.sendAll(due, this.clientsOf(due), new Map()));
      this.noteClaim(due);
    } while (claimed > 0 && !this.task.stopping);
  }

  private noteClaim(due: readonly DueDelivery[]): void {
    for (const { clientId, probe } of due) if (probe !== true) this.recorder.noteClosed(clientId);
    this.inFlight.noteClaim(due);
  }

  private done(clientId: string): void {
    if (this.inFlight.done(clientId)) this.task.runAgain();
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
    for (const { clientId, terminationId } of due) {
      this.inFlight.begin(clientId);
      this.recorder.begin(terminationId);
    }
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
    const clientName = client?.metadata.client_name ?? delivery.clientId;
    if (client !== undefined) settled.set(delivery.id, { clientId: client.clientId, clientName, state: 'pending' });
    const result = await this.made(delivery, client).finally(() => this.recorder.end(delivery.terminationId));
    if (result === undefined || client === undefined) return;
    await this.recorder.record(result, delivery.terminationId);
    settled.set(delivery.id, { clientId: client.clientId, clientName, state: result.state });
  }

  private async made(delivery: DueDelivery, client: Client | undefined): Promise<AttemptResult | undefined> {
    return client && this.inFlight.run(client.clientId, () => this.attempt(delivery, client));
  }

  /** Undefined when it is not sent now: by another claim later, as when the application's breaker has opened meanwhile. */
  private async attempt(delivery: DueDelivery, client: Client): Promise<AttemptResult | undefined> {
    if (delivery.probe !== true && this.recorder.isOpen(client.clientId)) return undefined;
    return this.sender.attempt(delivery, client);
  }
}
