import { Inject, Injectable } from '@nestjs/common';
import { HOUR } from '../../../platform/clock/durations.js';
import { SETTINGS, type Settings } from '../../../platform/config/settings.js';
import { Sealer } from '../../../platform/keys/sealer.js';
import { LogoutRecordsService } from '../../../domain/logout/termination/logout-records.service.js';
import { TerminationCauses } from '../../../domain/logout/command/termination-causes.js';
import { endSessionUrl } from '../../../platform/oidc/end-session-url.js';
import { Endpoints } from '../../../platform/oidc/endpoints.js';
import type { SessionKey, SignedInSession } from '../../../domain/sessions/session.js';
import { SessionsService } from '../../../domain/sessions/sessions.service.js';
import { logoutHintOf, UpstreamLogout } from '../../../domain/upstreams/upstream-logout.service.js';
import { isOpenTo, type Upstream } from '../../../domain/upstreams/upstream.js';
import { NAME } from './vocabulary.js';

const RETURN = 'end-session-upstream-return';
const RETURN_TTL_MS = HOUR;
/** Room for the ID token beside it: many servers take a URL of 8 KiB. */
const MAX_STATE = 3000;

/** Where the browser goes once the upstream sends it back. */
export interface WayBack {
  readonly redirectUri?: string | undefined;
  readonly state?: string | undefined;
  /** The name of the application, where it is not verified: the address is then a link on our page, not a redirect. */
  readonly linkTo?: string | undefined;
}

/** The upstream's own logout, which a logout here offers and never waits for. */
export interface UpstreamOffer {
  readonly name: string;
  readonly displayName: string;
}

/** The session that this browser had, and the logout of the provider that the person came by. */
export interface EndedSession extends SessionKey {
  readonly offer: UpstreamOffer;
  /** A server ended it and asked where to send the browser, which is to the provider. */
  readonly wasOnItsWay: boolean;
}

/**
 * The logout at the provider that the person came by, after the one here. That one is done by then, so nothing that happens
 * there changes anything here, and a logout token that comes back finds nothing to end.
 */
@Injectable()
export class FederatedLogout {
  constructor(
    private readonly upstreamLogout: UpstreamLogout,
    private readonly sessions: SessionsService,
    private readonly records: LogoutRecordsService,
    private readonly causes: TerminationCauses,
    private readonly sealer: Sealer,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /**
   * What can be offered to the person of this session, with this way back. Nothing that {@link url} could not keep: not
   * while the upstream's endpoint is not known, nor when the way back is too long for a URL.
   */
  async offerFor(session: SignedInSession | undefined, way: WayBack): Promise<UpstreamOffer | undefined> {
    return session?.upstreamId === undefined
      ? undefined
      : this.offer({ accountId: session.accountId, sessionId: session.id }, way);
  }

  /**
   * As {@link offerFor}, to the browser whose cookie was a session's that is over: that it has the cookie still is the
   * proof. Undefined where the upstream itself ended it.
   */
  async offerForEnded(cookie: string | undefined, way: WayBack): Promise<EndedSession | undefined> {
    const ended = await this.sessions.findEndedByCookie(cookie);
    if (ended === undefined) return undefined;
    const cause = ended.terminationId === null ? undefined : await this.records.causeOf(ended.terminationId);
    if (cause === 'upstream_logout') return undefined;
    const key = { accountId: ended.accountId, sessionId: ended.id };
    const offer = await this.offer(key, way);
    if (offer === undefined) return undefined;
    return {
      ...key,
      offer,
      wasOnItsWay: cause !== undefined && this.causes.sendsBrowserToProvider(cause),
    };
  }

  private async offer(session: SessionKey, way: WayBack): Promise<UpstreamOffer | undefined> {
    const { upstream } = (await this.upstreamLogout.ofSession(session)) ?? {};
    if (upstream === undefined || (await this.endpointOf(upstream)) === undefined) return undefined;
    return this.sealed(upstream.name, way) === undefined
      ? undefined
      : { name: upstream.name, displayName: upstream.displayName };
  }

  /**
   * The address that ends the upstream's session and comes back to {@link returned}. Undefined when there is none any
   * more, or the way back is too long for a URL: then the person is not sent where they would be stranded.
   */
  async url(offer: UpstreamOffer, session: SessionKey, way: WayBack): Promise<string | undefined> {
    const kept = await this.upstreamLogout.ofSession(session);
    if (kept === undefined || kept.upstream.name !== offer.name) return undefined;
    const endpoint = await this.endpointOf(kept.upstream);
    const state = this.sealed(offer.name, way);
    if (endpoint === undefined || state === undefined) return undefined;
    return endSessionUrl(endpoint, {
      idTokenHint: kept.idToken,
      clientId: kept.upstream.clientId,
      logoutHint: logoutHintOf(kept.idToken),
      postLogoutRedirectUri: new Endpoints(this.settings.issuer).upstreamSignedOut(offer.name),
      state,
    });
  }

  /** Where the browser continues that came back with this `state`: sealed by us, so it is a registered URI. */
  returned(name: string, state: string | undefined): WayBack {
    const way = state === undefined ? undefined : this.sealer.open<WayBack & { upstream: string }>(RETURN, state);
    return way?.upstream === name ? way : {};
  }

  private sealed(name: string, { redirectUri, state, linkTo }: WayBack): string | undefined {
    const sealed = this.sealer.seal(RETURN, { redirectUri, state, linkTo, upstream: name }, RETURN_TTL_MS);
    return sealed.length > MAX_STATE ? undefined : sealed;
  }

  private async endpointOf(upstream: Upstream): Promise<string | undefined> {
    return isOpenTo(upstream, NAME) ? this.upstreamLogout.endSessionEndpoint(upstream) : undefined;
  }
}
