import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { v4 as uuid } from 'uuid';
import { Clock } from '../../../platform/clock/clock.js';
import { EgressError } from '../../../platform/egress/egress.js';
import type { Client } from '../../clients/client.js';
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

/** Sends a client's back channel what it should accept, then what it should refuse, and says what it found. */
@Injectable()
export class EndpointExaminer {
  constructor(
    private readonly tokens: LogoutTokenIssuer,
    private readonly client: BackChannelLogoutClient,
    private readonly clock: Clock,
  ) {}

  async examine(client: Client): Promise<EndpointReport> {
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
