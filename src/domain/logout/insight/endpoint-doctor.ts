import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { v4 as uuid } from 'uuid';
import { AuditLog } from '../../../platform/audit/audit-log.js';
import type { Client } from '../../clients/client.js';
import { ClientsService } from '../../clients/clients.service.js';
import { SETTINGS, type Settings } from '../../../platform/config/settings.js';
import { Clock } from '../../../platform/clock/clock.js';
import { EgressError } from '../../../platform/egress/egress.js';
import { ConflictError, TooManyRequestsError } from '../../../platform/oidc/errors.js';
import type { RateLimiter } from '../../../platform/rate-limits/rate-limiter.js';
import { RateLimits } from '../../../platform/rate-limits/rate-limits.js';
import { BackChannelLogoutClient } from '../notices/back-channel-logout.client.js';
import { LogoutTokenIssuer } from '../notices/logout-token.issuer.js';
import { finding, findingsOf, isHealthy, type Finding, type ProbeAnswer } from './endpoint-findings.js';

/** A token that was sent, and what came back. */
export interface Probe extends ProbeAnswer {
  readonly token: 'genuine' | 'forged';
}

export interface EndpointReport {
  readonly clientId: string;
  /** Where it was sent; undefined when nothing is registered. */
  readonly uri: string | undefined;
  readonly healthy: boolean;
  readonly findings: readonly Finding[];
  readonly probes: readonly Probe[];
  readonly checkedAt: Date;
}

const CHECKS_PER_MINUTE = 6;

/**
 * Tries a client's back channel before a logout depends on it: a genuine logout token for a session that does not
 * exist, then one with a wrong signature. Nothing is written to the ledger, and no session ends.
 */
@Injectable()
export class EndpointDoctor {
  private readonly perMinute: RateLimiter;
  /** One point that is given back: a lease in storage, so that no two nodes check one client at the same time. */
  private readonly running: RateLimiter;

  constructor(
    private readonly clients: ClientsService,
    private readonly tokens: LogoutTokenIssuer,
    private readonly client: BackChannelLogoutClient,
    private readonly audit: AuditLog,
    private readonly clock: Clock,
    rateLimits: RateLimits,
    @Inject(SETTINGS) settings: Settings,
  ) {
    this.perMinute = rateLimits.limiter('logout-check', CHECKS_PER_MINUTE, 60);
    // Two requests and some room; a node that dies with it loses it after that time.
    this.running = rateLimits.limiter('logout-check-running', 1, Math.ceil(settings.deliveryTimeoutMs / 500) + 5);
  }

  /**
   * @throws NotFoundError for an unknown client
   * @throws ConflictError while another check of it is under way
   * @throws TooManyRequestsError
   */
  async check(clientId: string, operator: string): Promise<EndpointReport> {
    const client = await this.clients.get(clientId);
    if ((await this.running.consume(clientId)) !== undefined)
      throw new ConflictError('Another check of this client is under way.');
    try {
      const wait = await this.perMinute.consume(clientId);
      if (wait !== undefined) throw new TooManyRequestsError('This client was checked several times just now.', wait);
      return await this.firstCheck(client, operator);
    } finally {
      await this.running.reset(clientId);
    }
  }

  /** Of a client that is not registered yet: without the limits of {@link check}. Two requests at most. */
  async firstCheck(client: Client, operator: string): Promise<EndpointReport> {
    const report = await this.examine(client);
    const findings = report.findings.map(({ code }) => code).join(' ');
    await this.audit.record({
      event: 'logout_checked',
      outcome: 'done',
      details: { operator, client_id: client.clientId, findings },
    });
    return report;
  }

  private async examine(client: Client): Promise<EndpointReport> {
    const uri = client.metadata.backchannel_logout_uri;
    const checkedAt = this.clock.now();
    if (uri === undefined) {
      const findings = [finding('no_backchannel_logout_uri')];
      return { clientId: client.clientId, uri, healthy: false, findings, probes: [], checkedAt };
    }
    const genuine = await this.send(uri, await this.token(client));
    const forged = genuine.status === undefined ? undefined : await this.send(uri, forge(await this.token(client)));
    const findings = findingsOf(genuine, forged);
    return {
      clientId: client.clientId,
      uri,
      healthy: isHealthy(findings),
      findings,
      probes: [
        { token: 'genuine', ...genuine },
        ...(forged === undefined ? [] : [{ token: 'forged' as const, ...forged }]),
      ],
      checkedAt,
    };
  }

  /** About no person: no account and no session has these names. */
  private async token(client: Client): Promise<string> {
    const { jwt } = await this.tokens.issue(client, {
      sub: uuid(),
      sid: randomBytes(18).toString('base64url'),
      cause: 'admin',
    });
    return jwt;
  }

  private async send(url: string, logoutToken: string): Promise<ProbeAnswer> {
    const start = performance.now();
    const took = (): number => Math.round(performance.now() - start);
    try {
      const { status, headers } = await this.client.post(url, logoutToken);
      return { status, errorCode: undefined, durationMs: took(), cacheControl: headers['cache-control'] };
    } catch (error) {
      if (!(error instanceof EgressError)) throw error;
      return { status: undefined, errorCode: error.code, durationMs: took(), cacheControl: undefined };
    }
  }
}

/** The same token with a signature of as many bytes, made by no key. */
function forge(jwt: string): string {
  const [header = '', payload = '', signature = ''] = jwt.split('.');
  return `${header}.${payload}.${randomBytes(Buffer.from(signature, 'base64url').length).toString('base64url')}`;
}
