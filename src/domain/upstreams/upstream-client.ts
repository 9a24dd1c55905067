import { Inject, Injectable } from '@nestjs/common';
import * as oauth from 'oauth4webapi';
import { SETTINGS, type Settings } from '../../platform/config/settings.js';
import { Clock } from '../../platform/clock/clock.js';
import { EgressClient } from '../../platform/egress/egress.client.js';
import { leftHalfHash } from '../../platform/oidc/token-hash.js';
import { mergedClaims } from './upstream-claims.js';
import { UpstreamClientAuthentication } from './upstream-client-authentication.js';
import { LOGIN_CLAIM } from './upstream-registration.js';
import { UpstreamSignInError, UpstreamUnavailableError } from './upstream-errors.js';
import { UpstreamKeys } from './upstream-keys.js';
import { UpstreamMetadata } from './upstream-metadata.service.js';
import {
  asSignInError,
  checkFreshness,
  CLOCK_SKEW_SECONDS,
  personOf,
  quotable,
  type FreshnessDemand,
  type UpstreamPerson,
} from './upstream-person.js';
import type { Upstream } from './upstream.js';

const MAX_BYTES = 256 * 1024;

/** What goes with the browser to the upstream, beside who we are. */
export interface AuthorizationParameters {
  readonly redirectUri: string;
  readonly state: string;
  readonly nonce: string;
  readonly codeChallenge?: string | undefined;
  readonly loginHint?: string | undefined;
  readonly prompt?: string | undefined;
  readonly maxAge?: number | undefined;
}

/** What the browser brought back, and what it is checked against. */
export interface AuthorizationResponse extends FreshnessDemand {
  readonly parameters: URLSearchParams;
  readonly redirectUri: string;
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string | undefined;
}

/**
 * We as a relying party of an upstream: the authorization code flow (OpenID Connect Core 1.0 §3.1). The protocol is
 * oauth4webapi's; every request goes through the egress guard, and signatures are checked by the keys that logout
 * tokens are checked by.
 */
@Injectable()
export class UpstreamClient {
  constructor(
    private readonly metadata: UpstreamMetadata,
    private readonly keys: UpstreamKeys,
    private readonly egress: EgressClient,
    private readonly authentication: UpstreamClientAuthentication,
    private readonly clock: Clock,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /**
   * Where to send the browser: `login_hint`, `scope`, `response_type`, `redirect_uri`, `state`, `nonce`, `client_id`,
   * in the order that facilitators were promised, then what those do not know (docs/wire/elasticsearch.md#prepare).
   * @throws UpstreamUnavailableError
   */
  async authorizationUrl(upstream: Upstream, parameters: AuthorizationParameters): Promise<string> {
    const { authorization_endpoint: endpoint } = await this.metadata.get(upstream);
    if (endpoint === undefined)
      throw new UpstreamUnavailableError(`${upstream.displayName} publishes no authorization endpoint.`);
    return authorizationUrl(endpoint, upstream.clientId, upstream.scope, parameters);
  }

  /**
   * Redeems the code and says who the person is.
   * @throws UpstreamSignInError when anything about the answer is not as it must be
   * @throws UpstreamUnavailableError when the upstream cannot be reached
   */
  async redeem(upstream: Upstream, response: AuthorizationResponse): Promise<UpstreamPerson> {
    const as = await this.metadata.get(upstream);
    const client = this.clientOf(upstream);
    try {
      const checked = oauth.validateAuthResponse(as, client, response.parameters, response.state);
      const answer = await oauth.authorizationCodeGrantRequest(
        as,
        client,
        await this.authentication.of(upstream),
        checked,
        response.redirectUri,
        response.codeVerifier ?? oauth.nopkce,
        this.requestOptions(upstream),
      );
      const tokens = await oauth.processAuthorizationCodeResponse(as, client, answer, {
        expectedNonce: response.nonce,
        requireIdToken: true,
      });
      const person = await this.provedPerson(upstream, as, client, tokens);
      checkFreshness(person, response);
      return person;
    } catch (error) {
      throw asSignInError(error);
    }
  }

  private async provedPerson(
    upstream: Upstream,
    as: oauth.AuthorizationServer,
    client: oauth.Client,
    tokens: oauth.TokenEndpointResponse,
  ): Promise<UpstreamPerson> {
    const claims = oauth.getValidatedIdTokenClaims(tokens);
    const idToken = tokens.id_token;
    if (claims === undefined || idToken === undefined) throw new UpstreamSignInError('no ID token');
    if (tokens.token_type !== 'bearer') throw new UpstreamSignInError(`token type ${quotable(tokens.token_type, 20)}`);
    const { protectedHeader } = await this.keys.verify(upstream, idToken, {
      algorithms: [upstream.idTokenSignedResponseAlg],
      issuer: upstream.issuer,
      audience: upstream.clientId,
      clockTolerance: CLOCK_SKEW_SECONDS,
      currentDate: this.clock.now(),
    });
    if (claims.at_hash !== undefined && claims.at_hash !== leftHalfHash(protectedHeader.alg, tokens.access_token))
      throw new UpstreamSignInError('at_hash does not fit the access token');
    const person = personOf(upstream.issuer, idToken, claims, this.clock.now());
    return { ...person, claims: await this.claimsOf(upstream, as, client, tokens.access_token, claims) };
  }

  /** From the ID token, and from userinfo where that does not have them: many providers put them there alone. */
  private async claimsOf(
    upstream: Upstream,
    as: oauth.AuthorizationServer,
    client: oauth.Client,
    accessToken: string,
    claims: oauth.IDToken,
  ): Promise<Readonly<Record<string, unknown>>> {
    const wanted = ['name', 'email', upstream.claimMapping[LOGIN_CLAIM] ?? 'preferred_username'];
    const complete = [...wanted, ...Object.values(upstream.claimMapping)].every((name) => claims[name] !== undefined);
    if (complete || as.userinfo_endpoint === undefined) return mergedClaims(upstream, claims, {});
    // It becomes a header, which takes no others (RFC 6750 §2.1).
    if (!/^[\x21-\x7e]+$/.test(accessToken)) throw new UpstreamSignInError('the access token is not one');
    const answer = await oauth.userInfoRequest(as, client, accessToken, this.requestOptions(upstream));
    // Checks that it is about the same person (Core §5.3.2).
    const userinfo = await oauth.processUserInfoResponse(as, client, claims.sub, answer);
    return mergedClaims(upstream, claims, { ...userinfo });
  }

  private clientOf(upstream: Upstream): oauth.Client {
    return {
      client_id: upstream.clientId,
      id_token_signed_response_alg: upstream.idTokenSignedResponseAlg,
      [oauth.clockSkew]: this.clock.skewSeconds(),
      [oauth.clockTolerance]: CLOCK_SKEW_SECONDS,
    };
  }

  private requestOptions(upstream: Upstream) {
    return {
      // Whether http may be used at all was decided when the upstream was registered.
      [oauth.allowInsecureRequests]: upstream.issuer.startsWith('http:'),
      [oauth.customFetch]: (url: string, options: oauth.CustomFetchOptions<string, URLSearchParams | undefined>) =>
        this.fetch(url, options),
    };
  }

  private async fetch(
    url: string,
    options: oauth.CustomFetchOptions<string, URLSearchParams | undefined>,
  ): Promise<Response> {
    const answer = await this.egress.request({
      method: options.method === 'POST' ? 'POST' : 'GET',
      url,
      headers: options.headers,
      // Null for userinfo, whatever its type says.
      ...(options.body instanceof URLSearchParams ? { body: options.body.toString() } : {}),
      timeoutMs: this.settings.upstreamTimeoutMs,
      maxBytes: MAX_BYTES,
    });
    return new Response(answer.body, { status: answer.status, headers: answer.headers });
  }
}

export function authorizationUrl(
  endpoint: string,
  clientId: string,
  scope: readonly string[],
  parameters: AuthorizationParameters,
): string {
  const query = new URLSearchParams();
  const add = (name: string, value: string | undefined): void => {
    if (value !== undefined) query.append(name, value);
  };
  add('login_hint', parameters.loginHint);
  add('scope', scope.join(' '));
  add('response_type', 'code');
  add('redirect_uri', parameters.redirectUri);
  add('state', parameters.state);
  add('nonce', parameters.nonce);
  add('client_id', clientId);
  add('code_challenge', parameters.codeChallenge);
  add('code_challenge_method', parameters.codeChallenge === undefined ? undefined : 'S256');
  add('prompt', parameters.prompt);
  add('max_age', parameters.maxAge === undefined ? undefined : String(parameters.maxAge));
  return `${endpoint}${endpoint.includes('?') ? '&' : '?'}${query}`;
}
