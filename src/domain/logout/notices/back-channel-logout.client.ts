import { Inject, Injectable } from '@nestjs/common';
import { HOUR } from '../../../platform/clock/durations.js';
import type { Client } from '../../clients/client.js';
import { SETTINGS, type Settings } from '../../../platform/config/settings.js';
import { Clock } from '../../../platform/clock/clock.js';
import { EgressClient } from '../../../platform/egress/egress.client.js';
import { EgressError, type EgressResponse } from '../../../platform/egress/egress.js';
import type { ApplicationHealth } from './delivery-breaker.js';

/** What one try came to. */
export type AttemptOutcome =
  | { readonly kind: 'accepted'; readonly status: number }
  /** The application read it and said no: sending it again would be the same (Back-Channel Logout 1.0 §2.8). */
  | { readonly kind: 'rejected'; readonly status: number; readonly errorCode: string }
  | {
      readonly kind: 'failed';
      readonly status: number | undefined;
      readonly errorCode: string;
      readonly retryAfterMs: number | undefined;
    }
  /** There is nowhere to send it: the application no longer receives notices. */
  | { readonly kind: 'undeliverable'; readonly status: undefined; readonly errorCode: typeof NO_URI };

/** The code of a notice whose application has no `backchannel_logout_uri` any more. */
export const NO_URI = 'no_backchannel_logout_uri';

const MAX_ANSWER_BYTES = 16 * 1024;
const MAX_RETRY_AFTER_MS = HOUR;

/** POSTs a logout token (Back-Channel Logout 1.0 §2.5) through the egress guard. Never throws. */
@Injectable()
export class BackChannelLogoutClient {
  constructor(
    private readonly egress: EgressClient,
    private readonly clock: Clock,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /** Whatever the other side does is an outcome, not an error. */
  async send(client: Client, logoutToken: string): Promise<AttemptOutcome> {
    const url = client.metadata.backchannel_logout_uri;
    if (url === undefined) return { kind: 'undeliverable', status: undefined, errorCode: NO_URI };
    try {
      const response = await this.post(url, logoutToken);
      return this.outcomeOf(response.status, response.headers['retry-after']);
    } catch (error) {
      if (error instanceof EgressError)
        return { kind: 'failed', status: undefined, errorCode: error.code, retryAfterMs: undefined };
      throw error;
    }
  }

  /**
   * The request itself, for deliveries and for checks alike: what a check finds is what a delivery would meet.
   * @throws EgressError
   */
  post(url: string, logoutToken: string): Promise<EgressResponse> {
    return this.egress.request({
      method: 'POST',
      url,
      headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
      body: `logout_token=${logoutToken}`,
      timeoutMs: this.settings.deliveryTimeoutMs,
      maxBytes: MAX_ANSWER_BYTES,
      // The status says it all (§2.8). An application that answers 200 with a page of its own has been notified.
      ignoreBody: true,
    });
  }

  /** 200 and 204 are success, 400 is a refusal; everything else, a redirect among them, may be better next time (§2.8). */
  private outcomeOf(status: number, retryAfter: string | undefined): AttemptOutcome {
    if (status === 200 || status === 204) return { kind: 'accepted', status };
    if (status === 400) return { kind: 'rejected', status, errorCode: 'http_400' };
    return {
      kind: 'failed',
      status,
      errorCode: `http_${status}`,
      retryAfterMs: parseRetryAfter(retryAfter, this.clock.now().getTime()),
    };
  }
}

/**
 * What the outcome says about the application. A 404 comes from a working server; 5xx and 429 say that the application
 * does not work.
 */
export function healthOf(outcome: AttemptOutcome): ApplicationHealth | undefined {
  if (outcome.kind === 'undeliverable') return undefined;
  if (outcome.status === undefined || outcome.status === 429 || outcome.status >= 500) return 'failing';
  return 'alive';
}

/** RFC 9110 §10.2.3: seconds or a date. Bounded, so that an application cannot park a notice for a year. */
export function parseRetryAfter(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  const ms = /^\d{1,9}$/.test(value.trim()) ? Number(value) * 1000 : Date.parse(value) - now;
  return Number.isFinite(ms) && ms > 0 ? Math.min(ms, MAX_RETRY_AFTER_MS) : undefined;
}
