import { Inject, Injectable } from '@nestjs/common';
import type { AuditDetails } from '../../../platform/audit/audit-event.js';
import { AuditLog } from '../../../platform/audit/audit-log.js';
import { SETTINGS, type Settings } from '../../../platform/config/settings.js';
import { Clock } from '../../../platform/clock/clock.js';
import { TooManyRequestsError } from '../../../platform/oidc/errors.js';
import { Metrics } from '../../../platform/metrics/metrics.js';
import { GuessLimiter } from '../../../platform/rate-limits/guess-limiter.js';
import { RateLimits } from '../../../platform/rate-limits/rate-limits.js';
import { subscriberOf } from '../../../platform/rate-limits/source-address.js';
import type { Client } from '../client.js';
import { ClientsService } from '../clients.service.js';

const WINDOW_SECONDS = 60;
/** All clients that one address fails for, and all addresses that fail for one client, as multiples of the setting. */
const PER_ADDRESS = 5;
const PER_CLIENT = 50;

/** One try at proving to be a client. Begun before it is looked at; right or wrong after that. */
export interface ClientProofAttempt {
  /**
   * Undefined: it may be looked at. Else when that resolves.
   * @throws TooManyRequestsError, also later: then it must not be looked at
   */
  begin(): Promise<void> | undefined;
}

/**
 * Bounds how often a wrong proof may be sent: for a client from an address, for an address, for a client. Good proofs
 * cost nothing (RFC 6749 §2.3.1: the server MUST protect against brute force).
 */
@Injectable()
export class ProofGuesses {
  private readonly guesses: GuessLimiter;

  constructor(
    private readonly clients: ClientsService,
    private readonly audit: AuditLog,
    private readonly metrics: Metrics,
    clock: Clock,
    limits: RateLimits,
    @Inject(SETTINGS) settings: Settings,
  ) {
    const failures = settings.clientAuthenticationFailuresPerMinute;
    const limit = (name: string, points: number) => ({ points, shared: limits.limiter(name, points, WINDOW_SECONDS) });
    this.guesses = new GuessLimiter(
      [
        limit('client_proof_here', failures),
        limit('client_proof_address', failures * PER_ADDRESS),
        limit('client_proof_client', failures * PER_CLIENT),
      ],
      WINDOW_SECONDS * 1000,
      clock,
    );
  }

  /** Counts `check`, which begins the attempt when it looks at a proof, and answers undefined when it is wrong. */
  async guard(
    clientId: string,
    address: string,
    check: (attempt: ClientProofAttempt) => Promise<Client | undefined>,
  ): Promise<Client | undefined> {
    const network = subscriberOf(address);
    const attempt = this.guesses.attempt([[clientId, network], [network], [clientId]]);
    let client: Client | undefined;
    try {
      client = await check(attempt);
    } catch (error) {
      attempt.giveBack();
      if (error instanceof TooManyRequestsError) this.metrics.countClientAuthenticationFailure('limited');
      throw error;
    }
    if (client === undefined) await this.failed(attempt, clientId, address);
    else attempt.giveBack();
    return client;
  }

  /** What was typed as the id is on record only where a client has it: it may be a secret in the wrong field. */
  private async failed(attempt: { failed(): Promise<void> }, clientId: string, address: string): Promise<void> {
    await attempt.failed();
    this.metrics.countClientAuthenticationFailure('failed');
    const known: AuditDetails = (await this.clients.find(clientId)) === undefined ? {} : { client_id: clientId };
    const details = { reason: 'wrong_credentials', ...known };
    await this.audit.recordRefusal(
      'client_authentication',
      { ...details, address },
      { ...details, address: subscriberOf(address) },
    );
  }
}
