import { Inject, Injectable } from '@nestjs/common';
import { decodeJwt } from 'jose';
import { displayName } from '../accounts/account.js';
import { PasswordSignIn } from '../accounts/password-sign-in.service.js';
import { clientName, type Client } from '../clients/client.js';
import { SETTINGS, type Settings } from '../../platform/config/settings.js';
import { Clock } from '../../platform/clock/clock.js';
import { endSessionUrl, type EndSessionParameters } from '../../platform/oidc/end-session-url.js';
import { ProtocolError, TemporarilyUnavailableError } from '../../platform/oidc/errors.js';
import { newSecret } from '../../platform/oidc/secret.js';
import { SessionsService } from '../sessions/sessions.service.js';
import type { ActiveAccessToken } from '../tokens/access-tokens.service.js';
import { Tokens } from '../tokens/tokens.js';
import type { Grant } from '../tokens/grant.js';
import { IdTokenIssuer } from '../tokens/id-token.issuer.js';
import { personClaims } from '../tokens/person-claims.js';
import { FacilitatorTokens } from '../tokens/facilitator-tokens.service.js';
import type { TokenResponse } from '../tokens/token-responder.js';
import { authorizationUrl, UpstreamClient } from './upstream-client.js';
import {
  RealmAuthenticationError,
  UnknownRealmError,
  UpstreamSignInError,
  UpstreamUnavailableError,
} from './upstream-errors.js';
import { logoutHintOf, UpstreamLogout } from './upstream-logout.service.js';
import { UpstreamSessions } from './upstream-sessions.service.js';
import { isOpenTo, mayServe, OWN_REALM, type Upstream } from './upstream.js';
import { UpstreamsService } from './upstreams.service.js';

/** What a facilitator sends the browser off with, and keeps. */
export interface PreparedAuthentication {
  readonly redirect: string;
  readonly state: string;
  readonly nonce: string;
  readonly realm: string;
}

/** The person for whom tokens stand, as a facilitator sees them. */
export interface Principal {
  readonly login: string;
  readonly fullName: string | undefined;
  readonly email: string | undefined;
  readonly realm: string;
  readonly metadata: Readonly<Record<string, unknown>>;
}

export interface RealmTokens {
  readonly accessToken: string;
  readonly refreshToken: string | undefined;
  /** Seconds. */
  readonly expiresIn: number;
  readonly principal: Principal;
}

export type PasswordAuthentication =
  RealmTokens | 'wrong_credentials' | 'busy' | { readonly retryAfterSeconds: number };

/** A repeated refresh gets the same answer for this long (docs/wire/elasticsearch.md#token-repeat). */
const REFRESH_GRACE_MS = 30_000;
const SCOPE = ['openid', 'profile', 'email'];

/** A realm that a facilitator may use: this provider itself, or an upstream. */
type Realm =
  | { readonly kind: 'own'; readonly name: string; readonly redirectUri: string }
  | { readonly kind: 'upstream'; readonly name: string; readonly redirectUri: string; readonly upstream: Upstream };

/**
 * Sign-in by a facilitator: an application that shows pages of its own, sends the browser to a realm, and hands us what
 * it brings back. Elasticsearch's word for the provider is realm; `exeunt` is this service itself.
 *
 * Nothing is stored before the browser is back: `state` and `nonce` are the facilitator's to keep
 * (docs/wire/elasticsearch.md#prepare).
 */
@Injectable()
export class RealmsService {
  constructor(
    private readonly upstreams: UpstreamsService,
    private readonly client: UpstreamClient,
    private readonly upstreamSessions: UpstreamSessions,
    private readonly upstreamLogout: UpstreamLogout,
    private readonly passwords: PasswordSignIn,
    private readonly sessions: SessionsService,
    private readonly tokens: FacilitatorTokens,
    private readonly anyTokens: Tokens,
    private readonly idTokens: IdTokenIssuer,
    private readonly clock: Clock,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /**
   * @param request exactly one of `realm` and `issuer`
   * @throws UnknownRealmError, UpstreamUnavailableError
   */
  async prepare(
    facilitator: Client,
    request: {
      readonly realm?: string | undefined;
      readonly issuer?: string | undefined;
      readonly loginHint?: string | undefined;
      readonly state?: string | undefined;
      readonly nonce?: string | undefined;
    },
  ): Promise<PreparedAuthentication> {
    const realm =
      request.realm === undefined
        ? await this.realmByIssuer(facilitator, request.issuer ?? '')
        : await this.realmByName(facilitator, request.realm);
    const state = request.state ?? newSecret();
    const nonce = request.nonce ?? newSecret();
    const parameters = { redirectUri: realm.redirectUri, state, nonce, loginHint: request.loginHint };
    const redirect =
      realm.kind === 'own'
        ? authorizationUrl(`${this.settings.issuer}/authorize`, facilitator.clientId, SCOPE, parameters)
        : await this.client.authorizationUrl(realm.upstream, parameters);
    return { redirect, state, nonce, realm: realm.name };
  }

  /**
   * Redeems what the browser brought back, in the order of docs/wire/elasticsearch.md#authenticate, and issues our own
   * tokens for it.
   * @throws RealmAuthenticationError for everything that is wrong with it
   */
  async authenticate(
    facilitator: Client,
    request: {
      readonly redirectUri: string;
      readonly state: string;
      readonly nonce: string;
      readonly realm?: string | undefined;
    },
  ): Promise<RealmTokens> {
    const { parameters, path } = parsedRedirect(request.redirectUri);
    if (parameters.has('error')) throw new RealmAuthenticationError('the realm answered with an error');
    if (parameters.getAll('state').length !== 1 || parameters.get('state') !== request.state)
      throw new RealmAuthenticationError('state does not fit');
    if (parameters.getAll('code').length !== 1) throw new RealmAuthenticationError('there is no code');
    const realm = await this.realmOf(facilitator, request.realm, parameters.get('iss'), path);
    const issued =
      realm.kind === 'own'
        ? await this.redeemOwn(facilitator, realm, parameters.get('code') ?? '', request.nonce)
        : await this.redeemUpstream(facilitator, realm, parameters, request);
    return this.describe(issued);
  }

  /** By password, without a browser. Such tokens are not OpenID Connect's: they have no ID token to sign out with. */
  async authenticatePassword(
    facilitator: Client,
    username: string,
    password: string,
    address: string,
  ): Promise<PasswordAuthentication> {
    const outcome = await this.passwords.signIn(username, password, address);
    if (outcome.kind === 'too_many_attempts') return { retryAfterSeconds: outcome.retryAfterSeconds };
    if (outcome.kind !== 'signed_in') return outcome.kind;
    const amr = ['pwd'];
    const started = await this.sessions.begin(outcome.account, amr, { address, userAgent: clientName(facilitator) });
    if (started === undefined) return 'wrong_credentials';
    const session = { id: started.sessionId, accountId: outcome.account.id, authenticatedAt: this.clock.now(), amr };
    const issued = await this.tokens.issue(facilitator, session, { scope: ['profile', 'email'], realm: undefined });
    return issued === undefined ? 'wrong_credentials' : this.describe(issued);
  }

  /** @throws InvalidGrantError */
  async refresh(facilitator: Client, refreshToken: string): Promise<RealmTokens> {
    return this.describe(await this.tokens.refresh(facilitator, refreshToken, REFRESH_GRACE_MS));
  }

  /**
   * The login, by which a facilitator names people here, and of their claims those that the token's scope tells.
   * @param token of a person, not of a client; a facilitator's
   */
  async principalOf(token: ActiveAccessToken): Promise<Principal> {
    const { live } = token;
    if (live === undefined) throw new Error('the token stands for no person');
    const claims = toldClaims(token.scope, live);
    const { email } = claims;
    const link =
      live.grant.realm === null || live.grant.sessionId === null
        ? undefined
        : await this.sessions.findUpstream(live.grant.sessionId);
    return {
      login: live.login,
      fullName: displayName({ claims }),
      email: typeof email === 'string' ? email : undefined,
      realm: live.grant.realm ?? OWN_REALM,
      metadata: {
        'oidc(sub)': link?.sub ?? live.grant.accountId,
        'oidc(iss)': link?.issuer ?? this.settings.issuer,
        ...Object.fromEntries(
          ['name', 'email', 'preferred_username']
            .filter((name) => typeof claims[name] === 'string')
            .map((name) => [`oidc(${name})`, claims[name]]),
        ),
      },
    };
  }

  /**
   * Where the browser goes to sign out at the realm too. Null when the realm has no end-session endpoint, or nothing is
   * left to name the person by.
   * @throws UnknownRealmError when the realm was removed
   */
  async logoutRedirect(facilitator: Client, grant: Grant): Promise<string | null> {
    if (grant.realm === null) return this.ownLogoutUrl(facilitator, grant);
    const kept = grant.sessionId === null ? undefined : await this.upstreamLogout.ofSession(grant.sessionId);
    if (kept === undefined) {
      if ((await this.upstreams.find(grant.realm)) === undefined)
        throw new UnknownRealmError(`Authenticating realm [${grant.realm}] does not exist`);
      return null;
    }
    // The one that issued the ID token, not the one that has the realm's name now: an upstream may be renamed, and
    // another one be given its name.
    const { upstream, idToken } = kept;
    const endpoint = await this.upstreamLogout.endSessionEndpoint(upstream);
    if (endpoint === undefined || idToken === undefined) return null;
    const whom = { idTokenHint: idToken, clientId: upstream.clientId, logoutHint: logoutHintOf(idToken) };
    return logoutUrl(endpoint, whom, upstream.postLogoutRedirectUri);
  }

  private async ownLogoutUrl(facilitator: Client, grant: Grant): Promise<string> {
    // Made now, as the refresh made new ones all along: it names the client and the session, which is all a hint does.
    const idToken = await this.idTokens.issue(facilitator, grant, {});
    const [registered] = facilitator.metadata.post_logout_redirect_uris;
    const whom = { idTokenHint: idToken, clientId: facilitator.clientId };
    return logoutUrl(`${this.settings.issuer}/session/end_session`, whom, registered);
  }

  private async redeemOwn(facilitator: Client, realm: Realm, code: string, nonce: string): Promise<TokenResponse> {
    let issued: TokenResponse;
    try {
      issued = await this.tokens.redeem(facilitator, code, realm.redirectUri);
    } catch (error) {
      throw asRefusal(error);
    }
    if (issued.id_token === undefined || decodeJwt(issued.id_token).nonce !== nonce) {
      // The code came from another request: what it was redeemed for must not live on.
      await this.tokens.takeBack(facilitator, issued);
      throw new RealmAuthenticationError('nonce does not fit');
    }
    return issued;
  }

  private async redeemUpstream(
    facilitator: Client,
    realm: Extract<Realm, { kind: 'upstream' }>,
    parameters: URLSearchParams,
    request: { readonly state: string; readonly nonce: string },
  ): Promise<TokenResponse> {
    const { upstream } = realm;
    const browser = { address: null, userAgent: clientName(facilitator) };
    try {
      const person = await this.client.redeem(upstream, {
        parameters,
        redirectUri: realm.redirectUri,
        state: request.state,
        nonce: request.nonce,
        codeVerifier: undefined,
      });
      const signIn = await this.upstreamSessions.begin(upstream, person, browser, undefined);
      if (signIn.kind !== 'signed_in') throw new RealmAuthenticationError(signIn.kind);
      const { accountId, amr, authenticatedAt, started } = signIn;
      const session = { id: started.sessionId, accountId, authenticatedAt, amr };
      const issued = await this.tokens.issue(facilitator, session, { scope: SCOPE, realm: upstream.name });
      if (issued === undefined) throw new RealmAuthenticationError('ended_meanwhile');
      return issued;
    } catch (error) {
      throw asRefusal(error);
    }
  }

  private async describe(issued: TokenResponse): Promise<RealmTokens> {
    const active = await this.anyTokens.findAccessToken(issued.access_token);
    // Ended between the two statements: nothing is handed out that is dead already.
    if (active?.live === undefined) throw new RealmAuthenticationError('ended_meanwhile');
    return {
      accessToken: issued.access_token,
      refreshToken: issued.refresh_token,
      expiresIn: issued.expires_in,
      principal: await this.principalOf(active),
    };
  }

  private async realmByName(facilitator: Client, name: string): Promise<Realm> {
    const realm = (await this.realmsFor(facilitator)).find((candidate) => candidate.name === name);
    if (realm === undefined) throw new UnknownRealmError(`Cannot find OpenID Connect realm with name [${name}]`);
    return realm;
  }

  private async realmByIssuer(facilitator: Client, issuer: string): Promise<Realm> {
    const realms = (await this.realmsFor(facilitator)).filter((candidate) => this.issuerOf(candidate) === issuer);
    if (realms.length > 1) throw new UnknownRealmError(`Found multiple OpenID Connect realm with issuer [${issuer}]`);
    const [realm] = realms;
    if (realm === undefined) throw new UnknownRealmError(`Cannot find OpenID Connect realm with issuer [${issuer}]`);
    return realm;
  }

  /**
   * Which realm's response it is. Without a name, `iss` (RFC 9207 §2) and the redirect URI say so. When that leaves a
   * choice, nothing is tried: a code goes to the provider that issued it and to no other (RFC 9700 §4.4).
   */
  private async realmOf(
    facilitator: Client,
    name: string | undefined,
    issuer: string | null,
    path: string,
  ): Promise<Realm> {
    const fitting = (await this.realmsFor(facilitator)).filter(
      (realm) => (name === undefined || realm.name === name) && (issuer === null || this.issuerOf(realm) === issuer),
    );
    const [first, ...others] =
      fitting.length > 1 ? fitting.filter((realm) => new URL(realm.redirectUri).pathname === path) : fitting;
    if (first === undefined || others.length > 0)
      throw new RealmAuthenticationError(others.length > 0 ? 'several realms fit' : 'no realm fits');
    return first;
  }

  private issuerOf(realm: Realm): string {
    return realm.kind === 'own' ? this.settings.issuer : realm.upstream.issuer;
  }

  private async realmsFor(facilitator: Client): Promise<readonly Realm[]> {
    const [redirectUri] = facilitator.metadata.redirect_uris;
    const own: Realm[] = redirectUri === undefined ? [] : [{ kind: 'own', name: OWN_REALM, redirectUri }];
    const upstreams = (await this.upstreams.list()).filter(
      (upstream) => mayServe(upstream, facilitator.clientId) && isOpenTo(upstream, 'elasticsearch'),
    );
    return [
      ...own,
      ...upstreams.flatMap((upstream): Realm[] =>
        upstream.redirectUri === undefined
          ? []
          : [{ kind: 'upstream', name: upstream.name, redirectUri: upstream.redirectUri, upstream }],
      ),
    ];
  }
}

/** A name that only stands in for one is the login, which is shown as such. */
function toldClaims(
  scope: readonly string[],
  live: NonNullable<ActiveAccessToken['live']>,
): Readonly<Record<string, unknown>> {
  const { preferred_username: preferred, ...claims } = personClaims(scope, live);
  return preferred === undefined || preferred === live.login ? claims : { ...claims, preferred_username: preferred };
}

/**
 * URL with a fresh state, which cannot be checked later, as in the original; without a URI to come back to there is
 * none.
 */
function logoutUrl(endpoint: string, whom: EndSessionParameters, postLogoutRedirectUri: string | undefined): string {
  return endSessionUrl(
    endpoint,
    postLogoutRedirectUri === undefined ? whom : { ...whom, postLogoutRedirectUri, state: newSecret() },
  );
}

/** Path and query are enough: that is all that some facilitators send (docs/wire/elasticsearch.md#authenticate). */
function parsedRedirect(redirectUri: string): { readonly parameters: URLSearchParams; readonly path: string } {
  const base = 'https://facilitator.invalid';
  if (!URL.canParse(redirectUri, base)) throw new RealmAuthenticationError('redirect_uri cannot be parsed');
  const url = new URL(redirectUri, base);
  return { parameters: url.searchParams, path: url.pathname };
}

/** Whatever is wrong with what the browser brought is one refusal; that we could not find out is not one. */
function asRefusal(error: unknown): unknown {
  if (error instanceof RealmAuthenticationError) return error;
  if (error instanceof UpstreamSignInError) return new RealmAuthenticationError(error.detail, { cause: error });
  if (error instanceof UpstreamUnavailableError || error instanceof TemporarilyUnavailableError) return error;
  if (error instanceof ProtocolError) return new RealmAuthenticationError(error.code, { cause: error });
  return error;
}
