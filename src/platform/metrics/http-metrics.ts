import { Injectable } from '@nestjs/common';
import { Counter, Histogram } from 'prom-client';
import { Metrics } from './metrics.js';

/** What the token endpoint came to: tokens, a refusal, or a fault of the service. */
export const TOKEN_OUTCOMES = ['issued', 'refused', 'failed'] as const;
export type TokenOutcome = (typeof TOKEN_OUTCOMES)[number];

/** A request that was answered, in words of which there are few. */
export interface AnsweredRequest {
  /** As it was declared, so `/admin/v1/sessions/:id`; never a path that was sent. */
  readonly route: string;
  readonly method: string;
  readonly status: number;
  readonly seconds: number;
}

/** From an answer out of memory to the slowest that a proxy waits for. */
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Counts what came in by HTTP. */
@Injectable()
export class HttpMetrics {
  private readonly durations: Histogram<'route' | 'method' | 'status'>;
  private readonly tokenResponses: Counter<'grant_type' | 'outcome'>;
  /** A metric's own way to a series looks at its labels each time, which costs more than the counting. */
  private readonly series = new Map<string, (seconds: number) => void>();
  private readonly responses = new Map<string, () => void>();

  constructor({ registry }: Metrics) {
    this.durations = new Histogram({
      name: 'exeunt_http_request_duration_seconds',
      help: 'From the head of a request to the end of its answer, by the route as declared, the method and the class of the status.',
      labelNames: ['route', 'method', 'status'],
      buckets: SECONDS,
      registers: [registry],
    });
    this.tokenResponses = new Counter({
      name: 'exeunt_token_responses_total',
      help: 'What the token endpoint answered to requests that were well-formed, by grant type.',
      labelNames: ['grant_type', 'outcome'],
      registers: [registry],
    });
  }

  observe({ route, method, status, seconds }: AnsweredRequest): void {
    const statusClass = `${Math.floor(status / 100)}xx`;
    const key = `${statusClass} ${method} ${route}`;
    let count = this.series.get(key);
    if (count === undefined) {
      const series = this.durations.labels({ route, method, status: statusClass });
      this.series.set(key, (count = (value) => series.observe(value)));
    }
    count(seconds);
  }

  /** @param grantType one that is offered, or `other` */
  countTokenResponse(grantType: string, outcome: TokenOutcome): void {
    const key = `${grantType} ${outcome}`;
    let count = this.responses.get(key);
    if (count === undefined) {
      const series = this.tokenResponses.labels({ grant_type: grantType, outcome });
      this.responses.set(key, (count = () => series.inc()));
    }
    count();
  }
}
