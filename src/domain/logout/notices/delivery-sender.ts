import { Inject, Injectable } from '@nestjs/common';
import { SETTINGS, type Settings } from '../../../platform/config/settings.js';
import { Clock } from '../../../platform/clock/clock.js';
import { parseTraceparent } from '../../../platform/requests/trace-context.js';
import { Tracing, type Span } from '../../../platform/tracing/tracing.js';
import { DatabaseTime } from '../../../platform/database/database-time.js';
import type { Client } from '../../clients/client.js';
import { BackChannelLogoutClient, healthOf, type AttemptOutcome } from './back-channel-logout.client.js';
import type { AttemptResult } from './delivery-queue.repository.js';
import type { DeliveryState, DueDelivery } from './delivery.js';
import { LogoutTokenIssuer } from './logout-token.issuer.js';
import { retryDelayMs } from './retry-schedule.js';

/** Makes attempts. Each has a fresh token. */
@Injectable()
export class DeliverySender {
  constructor(
    private readonly tokens: LogoutTokenIssuer,
    private readonly client: BackChannelLogoutClient,
    private readonly clock: Clock,
    private readonly time: DatabaseTime,
    @Inject(SETTINGS) private readonly settings: Settings,
    private readonly tracing: Tracing,
  ) {}

  /** Undefined when the notice waited in line so long that its claim may lapse on the way: another claim sends it. */
  async attempt(delivery: DueDelivery, client: Client): Promise<AttemptResult | undefined> {
    const startedAt = this.clock.now();
    if (startedAt.getTime() + this.settings.deliveryTimeoutMs > delivery.claimedUntil.getTime()) return undefined;
    const span = this.span(delivery);
    return this.tracing.within(span, async () => {
      const result = await this.made(delivery, client, startedAt);
      span?.set({ 'exeunt.delivery.state': result.state });
      if (result.errorCode !== undefined) span?.fail(result.errorCode);
      return result;
    });
  }

  /** The first attempt and the last, on whatever node: each is a part of the logout's trace. */
  private span(delivery: DueDelivery): Span | undefined {
    const parent = parseTraceparent(delivery.traceparent ?? undefined);
    const span = this.tracing.begin('send logout notice', 'producer', { parent });
    span?.set({
      'messaging.system': 'exeunt',
      'messaging.operation.type': 'send',
      'messaging.operation.name': 'send',
      'messaging.message.id': delivery.id,
      'exeunt.client_id': delivery.clientId,
      'exeunt.termination_id': delivery.terminationId,
      'exeunt.delivery.attempt': delivery.attempts + 1,
    });
    return span;
  }

  private async made(delivery: DueDelivery, client: Client, startedAt: Date): Promise<AttemptResult> {
    const start = performance.now();
    const { jumps } = this.clock;
    const { jti, jwt } = await this.tokens.issue(client, delivery);
    const outcome = await this.unlessMisdated(await this.client.send(client, jwt), jumps);
    const number = delivery.attempts + 1;
    return {
      deliveryId: delivery.id,
      clientId: delivery.clientId,
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

  /**
   * A token that was dated by a clock which turns out to be wrong may have been refused for that alone. Then, and while that cannot
   * be found out, the refusal is not final: the next attempt has a token with other dates.
   */
  private async unlessMisdated(outcome: AttemptOutcome, jumpsBefore: number): Promise<AttemptOutcome> {
    if (outcome.kind !== 'rejected') return outcome;
    const isKnown = await this.time.assure();
    return isKnown && this.clock.jumps === jumpsBefore
      ? outcome
      : { ...outcome, kind: 'failed', retryAfterMs: undefined };
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
}
