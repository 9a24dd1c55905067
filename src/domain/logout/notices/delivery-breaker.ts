/** What an attempt tells about the application itself, whatever it says about the notice. */
export type ApplicationHealth =
  /** It answered: the notice may have been refused, but the application works. */
  | 'alive'
  /** No answer, or only "not now": network failure, 5xx, 429. */
  | 'failing';

/** The breaker of one application, as operators see it. */
export interface DeliveryBreaker {
  readonly clientId: string;
  readonly failures: number;
  readonly failedProbes: number;
  /** Undefined: closed, notices go out. */
  readonly openedAt: Date | undefined;
  readonly nextProbeAt: Date | undefined;
  readonly lastError: string | undefined;
}

/** How the breaker of an application stands after its results were recorded; `openUntil` undefined: closed. */
export interface BreakerChange {
  readonly clientId: string;
  readonly openUntil: Date | undefined;
}
