import { Injectable, type OnModuleInit } from '@nestjs/common';
import { shared, within } from '../database/time-limit.js';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { LOGOUT_TOKEN_REFUSALS, type LogoutTokenRefusal } from '../oidc/logout-token-refusals.js';
import { DeliveryLedger } from './ports/delivery-ledger.js';

/** What became of a logout token that an upstream provider sent. */
export const LOGOUT_TOKEN_RESULTS = ['ended', 'nothing_to_end', 'replayed', 'forged', 'not_performed'] as const;
export type LogoutTokenResult = (typeof LOGOUT_TOKEN_RESULTS)[number];

/** How people prove who they are. */
export const SIGN_IN_METHODS = ['password', 'upstream'] as const;
export type SignInMethod = (typeof SIGN_IN_METHODS)[number];
export const SIGN_IN_OUTCOMES = ['done', 'refused'] as const;
export type SignInResult = (typeof SIGN_IN_OUTCOMES)[number];

/** From "all accepted while the page was loading" to "a day later". */
const CONFIRMATION_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 21_600, 86_400];

/** How long a scrape waits for storage. Prometheus gives up after ten seconds, and then has nothing at all. */
const STORAGE_MS = 2000;

/** What one attempt at a delivery came to. */
export const DELIVERY_ATTEMPT_OUTCOMES = ['delivered', 'rejected', 'retried', 'abandoned'] as const;
export type DeliveryAttemptOutcome = (typeof DELIVERY_ATTEMPT_OUTCOMES)[number];

/**
 * Counts what happens, for Prometheus. Each method is one metric, so that the labels stay few: a label holds a word of
 * our vocabulary and never anything from a request, which could be personal data and would make a new series with every
 * value.
 *
 * The registry is the application's own, so several applications in one process do not count for each other.
 */
@Injectable()
export class Metrics implements OnModuleInit {
  /** Where what this class does not count registers itself. */
  readonly registry = new Registry();

  private readonly logoutTokens = new Counter({
    name: 'exeunt_upstream_logout_tokens_total',
    help: 'Logout tokens that upstream providers sent, by what became of them.',
    labelNames: ['result'],
    registers: [this.registry],
  });

  private readonly logoutTokenRefusals = new Counter({
    name: 'exeunt_upstream_logout_token_refusals_total',
    help: 'Logout tokens of upstream providers that were not obeyed, by what was wrong with them.',
    labelNames: ['reason'],
    registers: [this.registry],
  });

  private readonly terminations = new Counter({
    name: 'exeunt_terminations_total',
    help: 'Terminations of sessions and grants, by cause.',
    labelNames: ['cause'],
    registers: [this.registry],
  });

  private readonly receiptHead = new Gauge({
    name: 'exeunt_receipts_head_sequence',
    help: 'Sequence of the newest receipt that this process has signed; 0: none since it started.',
    aggregator: 'max',
    registers: [this.registry],
  });

  private readonly receiptChainCuts = new Counter({
    name: 'exeunt_receipts_chain_cut_total',
    help: 'How often the newest receipts in storage were gone or others than this process had signed.',
    registers: [this.registry],
  });

  private readonly receipts = new Counter({
    name: 'exeunt_receipts_issued_total',
    help: 'Receipts of terminations that this process signed.',
    registers: [this.registry],
  });

  private readonly confirmation = new Histogram({
    name: 'exeunt_logout_confirmation_seconds',
    help: 'From the decision to end something to the last acceptance, of terminations that every application accepted.',
    buckets: CONFIRMATION_BUCKETS,
    registers: [this.registry],
  });

  private readonly oldestPending = new Gauge({
    name: 'exeunt_oldest_pending_delivery_seconds',
    help: 'Age of the oldest notice that is still owed; 0 when none is. From storage, so the same on every node.',
    aggregator: 'max',
    registers: [this.registry],
  });

  private readonly deliveries = new Gauge({
    name: 'exeunt_deliveries',
    help: 'Notices by state: pending ones whatever their age, others of the last 24 hours; 10000 means as many or more. From storage, so the same on every node.',
    labelNames: ['state'],
    aggregator: 'max',
    registers: [this.registry],
  });

  private readonly deliveryAttempts = new Counter({
    name: 'exeunt_logout_delivery_attempts_total',
    help: 'Attempts at telling an application of a logout, by what came of the delivery.',
    labelNames: ['outcome'],
    registers: [this.registry],
  });

  private readonly retentionFailures = new Counter({
    name: 'exeunt_retention_failures_total',
    help: 'Runs of a retention rule that failed, by table: what it removes stays until one succeeds.',
    labelNames: ['table'],
    registers: [this.registry],
  });

  private readonly signIns = new Counter({
    name: 'exeunt_sign_ins_total',
    help: 'Sign-ins of people, by how they proved who they are and whether they did.',
    labelNames: ['method', 'outcome'],
    registers: [this.registry],
  });

  private readonly changes = new Counter({
    name: 'exeunt_changes_total',
    help: 'What administrators changed, by the event on record and what was done.',
    labelNames: ['event', 'change'],
    registers: [this.registry],
  });

  private readonly clientAuthenticationFailures = new Counter({
    name: 'exeunt_client_authentication_failures_total',
    help: 'Clients that did not prove who they are; `limited`: not looked at, since too many had failed before.',
    labelNames: ['result'],
    registers: [this.registry],
  });

  private readonly openBreakers = new Gauge({
    name: 'exeunt_logout_delivery_breakers_open',
    help: 'Applications whose notices wait because they failed several times in a row.',
    aggregator: 'max',
    registers: [this.registry],
  });

  private gathered: (() => Promise<string>) | undefined;

  private readonly countOpenBreakers = shared(() => this.ledger.countOpenBreakers());

  constructor(private readonly ledger: DeliveryLedger) {
    for (const method of SIGN_IN_METHODS)
      for (const outcome of SIGN_IN_OUTCOMES) this.signIns.inc({ method, outcome }, 0);
    for (const result of ['failed', 'limited']) this.clientAuthenticationFailures.inc({ result }, 0);
    for (const outcome of DELIVERY_ATTEMPT_OUTCOMES) this.deliveryAttempts.inc({ outcome }, 0);
    // A series must be there before its first event, or rate() misses that one.
    for (const result of LOGOUT_TOKEN_RESULTS) this.logoutTokens.inc({ result }, 0);
    for (const reason of LOGOUT_TOKEN_REFUSALS) this.logoutTokenRefusals.inc({ reason }, 0);
  }

  onModuleInit(): void {
    // Here and not in the constructor: these watch the event loop and the garbage collector from now on.
    collectDefaultMetrics({ register: this.registry });
  }

  countLogoutToken(result: LogoutTokenResult): void {
    this.logoutTokens.inc({ result });
  }

  countSignIn(method: SignInMethod, outcome: SignInResult): void {
    this.signIns.inc({ method, outcome });
  }

  /** @param event the name of the audit event @param change one word of our vocabulary */
  countChange(event: string, change: string): void {
    this.changes.inc({ event, change });
  }

  countClientAuthenticationFailure(result: 'failed' | 'limited'): void {
    this.clientAuthenticationFailures.inc({ result });
  }

  countLogoutTokenRefusal(reason: LogoutTokenRefusal): void {
    this.logoutTokenRefusals.inc({ reason });
  }

  /** @param cause one of the causes that `logout` knows */
  countTermination(cause: string, count = 1): void {
    this.terminations.inc({ cause }, count);
  }

  countReceipts(count: number): void {
    this.receipts.inc(count);
  }

  /** @param sequence of the newest receipt that this process has signed, whatever the table says since */
  showReceiptHead(sequence: number): void {
    this.receiptHead.set(sequence);
  }

  /** The end of the chain of receipts was not what this process had left there. */
  countReceiptChainCut(): void {
    this.receiptChainCuts.inc();
  }

  /** @param seconds from the decision to the last acceptance */
  observeConfirmation(seconds: number): void {
    this.confirmation.observe(seconds);
  }

  private async readLedger(): Promise<void> {
    const figures = await unlessSilent(this.ledger.figures());
    this.deliveries.reset();
    this.oldestPending.reset();
    // A gauge without labels is 0 after a reset, which would say that nothing is pending.
    if (figures === undefined) return this.oldestPending.set(Number.NaN);
    for (const [state, count] of Object.entries(figures.deliveries)) this.deliveries.set({ state }, count);
    this.oldestPending.set(figures.oldestPendingSeconds);
  }

  /** @param table whose rows should have gone */
  countRetentionFailure(table: string): void {
    this.retentionFailures.inc({ table });
  }

  countDeliveryAttempt(outcome: DeliveryAttemptOutcome): void {
    this.deliveryAttempts.inc({ outcome });
  }

  private async readOpenBreakers(): Promise<void> {
    const open = await unlessSilent(this.countOpenBreakers());
    // Without storage there is no number. The other metrics must be there then more than ever.
    if (open === undefined) this.openBreakers.remove();
    else this.openBreakers.set(open);
  }

  /** Whether this process receives what other nodes change. */
  showChangeFeed(hears: () => boolean): void {
    const gauge: Gauge = new Gauge({
      name: 'exeunt_change_feed_up',
      help: '1 while this process hears of what other nodes change; at 0 it learns of it by the age of what it remembers.',
      aggregator: 'min',
      registers: [this.registry],
      collect: () => gauge.set(hears() ? 1 : 0),
    });
  }

  /** How far the machine's time of day is from the one that is used, which is the database's. */
  showClockOffset(secondsAhead: () => number): void {
    const gauge: Gauge = new Gauge({
      name: 'exeunt_clock_offset_seconds',
      help: 'Seconds by which the clock of this machine is ahead of that of the database, whose time is used; negative: behind.',
      aggregator: 'average',
      registers: [this.registry],
      collect: () => gauge.set(secondsAhead()),
    });
  }

  /** How the cluster replicated when it was last looked at; undefined: that is not known yet. */
  showReplication(seen: () => { readonly standbys: number | undefined; readonly waits: boolean }): void {
    const standbys: Gauge = new Gauge({
      name: 'exeunt_standbys',
      help: 'Standbys of the primary, as it said within the last minute.',
      aggregator: 'min',
      registers: [this.registry],
      collect: () => standbys.set(seen().standbys ?? Number.NaN),
    });
    const waits: Gauge = new Gauge({
      name: 'exeunt_logout_replicated',
      help: '1 while a logout is answered when a standby has it; at 0 a failover can undo it.',
      aggregator: 'min',
      registers: [this.registry],
      collect: () => waits.set(seen().waits ? 1 : 0),
    });
  }

  /** The media type of {@link text}. */
  get contentType(): string {
    return this.registry.contentType;
  }

  /** @param gathered the metrics of all workers, of which this process is one */
  answerWith(gathered: () => Promise<string>): void {
    this.gathered = gathered;
    new Gauge({
      name: 'exeunt_workers',
      help: 'Workers that serve and were counted here.',
      registers: [this.registry],
    }).set(1);
  }

  /** Everything, in the text format of Prometheus: of this process, or of all workers. */
  async text(): Promise<string> {
    if (this.gathered !== undefined) return this.gathered();
    await this.readStorage();
    return this.registry.metrics();
  }

  /** What this process counts, to be put together with what others do. */
  async own(): Promise<object[]> {
    await this.readStorage();
    return this.registry.getMetricsAsJSON();
  }

  private async readStorage(): Promise<void> {
    await Promise.all([this.readLedger(), this.readOpenBreakers()]);
  }
}

/** What storage says, unless it is away or silent: a scrape has a time limit of its own. */
async function unlessSilent<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await within(STORAGE_MS, answer);
  } catch {
    return undefined;
  }
}
