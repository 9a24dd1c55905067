import { Injectable } from '@nestjs/common';
import { decodeJwt, errors } from 'jose';
import { isStorableText, textProblem } from '../../platform/oidc/text.js';
import { Clock } from '../../platform/clock/clock.js';
import { UpstreamUnavailableError } from './upstream-errors.js';
import { UpstreamKeys } from './upstream-keys.js';
import { UpstreamLinks } from './upstream-links.service.js';
import { UpstreamMetadata } from './upstream-metadata.service.js';
import type { SessionKey } from '../sessions/session.js';
import type { Upstream } from './upstream.js';
import { UpstreamsService } from './upstreams.service.js';

/** The upstream of a session, and the ID token that signs the person out there. */
export interface UpstreamOfSession {
  readonly upstream: Upstream;
  /** Undefined when it cannot be opened any more. */
  readonly idToken: string | undefined;
}

/** An ID token of an upstream's, good or expired. */
export interface UpstreamIdToken {
  readonly upstream: Upstream;
  readonly sub: string;
  readonly sid: string | undefined;
}

/** What a logout here needs to know of the provider that the person came by. Never fails because that one is down. */
@Injectable()
export class UpstreamLogout {
  constructor(
    private readonly upstreams: UpstreamsService,
    private readonly metadata: UpstreamMetadata,
    private readonly keys: UpstreamKeys,
    private readonly links: UpstreamLinks,
    private readonly clock: Clock,
  ) {}

  /** Undefined when it publishes none, or cannot be reached and never said. */
  async endSessionEndpoint(upstream: Upstream): Promise<string | undefined> {
    return (await this.metadata.find(upstream))?.end_session_endpoint;
  }

  /** By which upstream the person came, also of a session that has ended. */
  async ofSession(session: SessionKey): Promise<UpstreamOfSession | undefined> {
    const link = await this.links.find(session);
    if (link === undefined) return undefined;
    const upstream = await this.upstreams.findById(link.upstreamId);
    if (upstream === undefined || upstream.issuer !== link.issuer) return undefined;
    return { upstream, idToken: link.idToken };
  }

  /** Undefined for what is no ID token of an enabled upstream's for us, and when its keys cannot be had. */
  async verifyIdToken(token: string): Promise<UpstreamIdToken | undefined> {
    const upstream = await this.claimedSender(token);
    if (upstream === undefined) return undefined;
    try {
      const { payload } = await this.keys.verify(upstream, token, {
        algorithms: [upstream.idTokenSignedResponseAlg],
        issuer: upstream.issuer,
        audience: upstream.clientId,
        // A hint may have expired (RP-Initiated Logout 1.0 §2): it is looked at as of the moment it was made.
        currentDate: new Date(Math.min(this.clock.now().getTime(), issuedAt(token) * 1000)),
      });
      // A logout token is signed by the same keys and is no ID token (docs/threat-model.md#token-confusion).
      if (typeof payload.sub !== 'string' || 'events' in payload || textProblem(payload) !== undefined)
        return undefined;
      return { upstream, sub: payload.sub, sid: typeof payload.sid === 'string' ? payload.sid : undefined };
    } catch (error) {
      if (error instanceof errors.JOSEError || error instanceof UpstreamUnavailableError) return undefined;
      throw error;
    }
  }

  /** By unverified claims: only to choose the keys. */
  private async claimedSender(token: string): Promise<Upstream | undefined> {
    const claims = unverifiedClaims(token);
    if (typeof claims?.iss !== 'string') return undefined;
    const audience: readonly unknown[] = Array.isArray(claims.aud) ? claims.aud : [claims.aud];
    return (await this.upstreams.findByIssuer(claims.iss)).find(
      (upstream) => upstream.enabled && audience.includes(upstream.clientId),
    );
  }
}

/**
 * What the provider may know the person by where its ID token cannot be sent along (`logout_hint`, RP-Initiated Logout
 * 1.0 §2): `login_hint` is what some put into ID tokens for just this.
 */
export function logoutHintOf(idToken: string | undefined): string | undefined {
  const claims = idToken === undefined ? undefined : unverifiedClaims(idToken);
  return [claims?.login_hint, claims?.preferred_username, claims?.email].find(
    (value): value is string =>
      typeof value === 'string' && value !== '' && value.length <= 300 && isStorableText(value),
  );
}

function issuedAt(token: string): number {
  return unverifiedClaims(token)?.iat ?? 0;
}

function unverifiedClaims(token: string): ReturnType<typeof decodeJwt> | undefined {
  try {
    return decodeJwt(token);
  } catch (error) {
    // Not a JWT at all; what we were asked is whether it is an upstream's, and it is not.
    if (error instanceof errors.JOSEError) return undefined;
    throw error;
  }
}
