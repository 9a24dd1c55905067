import { Injectable, type OnModuleInit } from '@nestjs/common';
import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';

/** What became of a logout token that an upstream provider sent. */
export const LOGOUT_TOKEN_RESULTS = ['ended', 'nothing_to_end', 'replayed', 'forged', 'not_performed'] as const;
export type LogoutTokenResult = (typeof LOGOUT_TOKEN_RESULTS)[number];

/** What one attempt at a delivery came to. */
export const DELIVERY_ATTEMPT_OUTCOMES = ['delivered', 'rejected', 'retried', 'abandoned'] as const;
export type DeliveryAttemptOutcome = (typeof DELIVERY_ATTEMPT_OUTCOMES)[number];

/**
 * Counts what happens, for Prometheus. Each method is one metric, so that the labels stay few: a label holds a word of
 * ours and never anything from a request, which could be anybody's data and would make a new series with every value.
 *
 * The registry is the application's own, so several applications in one process do not count for each other.
 */
@Injectable()
export class Metrics implements OnModuleInit {
  private readonly registry = new Registry();

  private readonly logoutTokens = new Counter({
    name: 'exeunt_upstream_logout_tokens_total',
    help: 'Logout tokens that upstream providers sent, by what became of them.',
    labelNames: ['result'],
    registers: [this.registry],
  });

  private readonly terminations = new Counter({
    name: 'exeunt_terminations_total',
    help: 'Terminations of sessions and grants, by cause.',
    labelNames: ['cause'],
    registers: [this.registry],
  });

  private readonly deliveryAttempts = new Counter({
    name: 'exeunt_logout_delivery_attempts_total',
    help: 'Attempts at telling an application of a logout, by what came of the delivery.',
    labelNames: ['outcome'],
    registers: [this.registry],
  });

  constructor() {
    for (const outcome of DELIVERY_ATTEMPT_OUTCOMES) this.deliveryAttempts.inc({ outcome }, 0);
    // A series must be there before its first event, or rate() misses that one.
    for (const result of LOGOUT_TOKEN_RESULTS) this.logoutTokens.inc({ result }, 0);
  }

  onModuleInit(): void {
    // Here and not in the constructor: these watch the event loop and the garbage collector from now on.
    collectDefaultMetrics({ register: this.registry });
  }

  countLogoutToken(result: LogoutTokenResult): void {
    this.logoutTokens.inc({ result });
  }

  /** @param cause one of the causes that `logout` knows */
  countTermination(cause: string, count = 1): void {
    this.terminations.inc({ cause }, count);
  }

  countDeliveryAttempt(outcome: DeliveryAttemptOutcome): void {
    this.deliveryAttempts.inc({ outcome });
  }

  /** Open breakers are a fact of storage, the same on every node: they are counted there at each scrape. */
  collectOpenBreakers(count: () => Promise<number>): void {
    const gauge: Gauge = new Gauge({
      name: 'exeunt_logout_delivery_breakers_open',
      help: 'Applications whose notices wait because they failed several times in a row.',
      registers: [this.registry],
      async collect() {
        try {
          gauge.set(await count());
        } catch {
          // Without storage there is no number. The other metrics must be there then more than ever.
          gauge.remove();
        }
      },
    });
  }

  /** The media type of {@link text}. */
  get contentType(): string {
    return this.registry.contentType;
  }

  /** Everything, in the text format of Prometheus. */
  text(): Promise<string> {
    return this.registry.metrics();
  }
}
