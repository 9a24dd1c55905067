import { Inject, Injectable } from '@nestjs/common';
import { errors } from 'jose';
import * as oauth from 'oauth4webapi';
import { v7 as uuid } from 'uuid';
import { SETTINGS, type Settings } from '../../platform/config/settings.js';
import { Clock } from '../../platform/clock/clock.js';
import { EgressClient } from '../../platform/egress/egress.client.js';
import { EgressError } from '../../platform/egress/egress.js';
import { JwtSigner } from '../../platform/keys/jwt-signer.js';
import { ID_TOKEN_ALGORITHMS } from '../../platform/oidc/algorithms.js';
import { isStorableText } from '../../platform/oidc/text.js';
import { leftHalfHash } from '../../platform/oidc/token-hash.js';
import { mergedClaims } from './upstream-claims.js';
import { LOGIN_CLAIM } from './upstream-registration.js';
import { UpstreamNotFreshError, UpstreamSignInError, UpstreamUnavailableError } from './upstream-errors.js';
import { UpstreamKeys } from './upstream-keys.js';
import { UpstreamMetadata } from './upstream-metadata.service.js';
import type { Upstream } from './upstream.js';
import { UpstreamsService } from './upstreams.service.js';

const CLOCK_SKEW_SECONDS = 60;
/** Less than for a signature: a person who was asked a minute before was not asked again. */
const AUTH_TIME_SKEW_SECONDS = 30;
const ASSERTION_LIFE_SECONDS = 60;
const MAX_BYTES = 256 * 1024;
const MAX_IDENTIFIER = 255;
const MAX_AMR = 100;
const MAX_AMR_VALUES = 20;

/** Who signed in at the upstream, proved by its ID token. */
export interface UpstreamPerson {
  readonly issuer: string;
  readonly sub: string;
  readonly sid: string | undefined;
  /** Seconds since 1970. */
  readonly issuedAt: number;
  /** When the upstream says that it asked the person; undefined when it does not say. */
  readonly authTime?: Date | undefined;
  readonly amr: readonly string[];
  /** What the upstream says about the person, by its own names. */
  readonly claims: Readonly<Record<string, unknown>>;
  readonly idToken: string;
}

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
export interface AuthorizationResponse {
  readonly parameters: URLSearchParams;
  readonly redirectUri: string;
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string | undefined;
  readonly maxAge?: number | undefined;
  /** When the browser left, which `maxAge` is counted from: a person may take their time there. */
  readonly leftAt?: Date | undefined;
}

/**
 * We as a relying party of an upstream: the authorization code flow (OpenID Connect Core 1.0 §3.1). The protocol is
 * oauth4webapi's; every request goes through the egress guard, and signatures are checked by the keys that logout
 * tokens are checked by.
 */
@Injectable()
export class UpstreamClient {
  constructor(
    private readonly upstreams: UpstreamsService,
    private readonly metadata: UpstreamMetadata,
    private readonly keys: UpstreamKeys,
    private readonly egress: EgressClient,
    private readonly signer: JwtSigner,
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
        await this.authentication(upstream),
        checked,
        response.redirectUri,
        response.codeVerifier ?? oauth.nopkce,
        this.requestOptions(upstream),
      );
      const tokens = await oauth.processAuthorizationCodeResponse(as, client, answer, {
        expectedNonce: response.nonce,
        requireIdToken: true,
      });
      const person = await this.personOf(upstream, as, client, tokens);
      checkFreshness(person, response);
      return person;
    } catch (error) {
      throw asSignInError(error);
    }
  }

  private async personOf(
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
    const sid = typeof claims.sid === 'string' && claims.sid !== '' ? claims.sid : undefined;
    checkIdentifiers(claims, sid, this.clock.seconds());
    return {
      issuer: upstream.issuer,
      sub: claims.sub,
      sid,
      issuedAt: claims.iat,
      authTime: authTimeOf(claims, this.clock.now()),
      amr: amrOf(claims),
      claims: await this.claimsOf(upstream, as, client, tokens.access_token, claims),
      idToken,
    };
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

  private async authentication(upstream: Upstream): Promise<oauth.ClientAuth> {
    switch (upstream.tokenEndpointAuthMethod) {
      case 'none':
        return oauth.None();
      case 'private_key_jwt':
        return (as, client, body) => this.assert(as, client, body);
      case 'client_secret_basic':
      case 'client_secret_post': {
        const secret = await this.upstreams.clientSecret(upstream);
        if (secret === undefined) throw new UpstreamSignInError('the client secret cannot be opened');
        return upstream.tokenEndpointAuthMethod === 'client_secret_basic'
          ? oauth.ClientSecretBasic(secret)
          : oauth.ClientSecretPost(secret);
      }
    }
  }

  /** An assertion by our own signing key (RFC 7523 §2.2); the upstream finds its public part at our `/jwks`. */
  private async assert(as: oauth.AuthorizationServer, client: oauth.Client, body: URLSearchParams): Promise<void> {
    const offered = as.token_endpoint_auth_signing_alg_values_supported;
    const alg = ID_TOKEN_ALGORITHMS.find((name) => offered?.includes(name) ?? true);
    if (alg === undefined) throw new UpstreamSignInError('the upstream takes no algorithm of ours');
    const now = this.clock.seconds();
    const assertion = await this.signer.sign(alg, 'client-authentication+jwt', {
      iss: client.client_id,
      sub: client.client_id,
      aud: as.issuer,
      iat: now,
      exp: now + ASSERTION_LIFE_SECONDS,
      jti: uuid(),
    });
    body.set('client_id', client.client_id);
    body.set('client_assertion_type', 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer');
    body.set('client_assertion', assertion);
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

/**
 * What was demanded of the sign-in must be seen in its answer (Core §3.1.2.1, §3.1.3.7): a provider that reports
 * nothing may have asked nothing.
 */
function checkFreshness({ authTime }: UpstreamPerson, { maxAge, leftAt }: AuthorizationResponse): void {
  if (maxAge === undefined || leftAt === undefined) return;
  if (authTime === undefined) throw new UpstreamNotFreshError('auth_time is missing');
  const oldest = leftAt.getTime() - (maxAge + AUTH_TIME_SKEW_SECONDS) * 1000;
  if (authTime.getTime() < oldest) throw new UpstreamNotFreshError('auth_time is too long ago');
}

/**
 * What is kept, and looked up by when the person signs out there: it could not be found again, or two people be taken
 * for one, if it were changed on the way (Core §2: `sub` has at most 255 characters).
 */
function checkIdentifiers({ sub, iat }: oauth.IDToken, sid: string | undefined, now: number): void {
  if (sub === '' || sub.length > MAX_IDENTIFIER || !isStorableText(sub))
    throw new UpstreamSignInError('sub is no identifier that can be kept');
  if (sid !== undefined && (sid.length > MAX_IDENTIFIER || !isStorableText(sid)))
    throw new UpstreamSignInError('sid is no identifier that can be kept');
  if (iat < 0 || iat > now + CLOCK_SKEW_SECONDS) throw new UpstreamSignInError('iat is not a time that has been');
}

/** Passed on, and nothing more: what is not a string is left out. */
function amrOf({ amr }: oauth.IDToken): string[] {
  const values: readonly unknown[] = Array.isArray(amr) ? amr : [];
  return values
    .filter((value): value is string => typeof value === 'string' && value.length <= MAX_AMR && isStorableText(value))
    .slice(0, MAX_AMR_VALUES);
}

/** Of foreign text, for a log and a record: in one line, and without what a terminal obeys (RFC 6749 §5.2). */
function quotable(text: string, length: number): string {
  return text.slice(0, length).replaceAll(/[^\x20-\x7e]/g, '?');
}

/** Not in the future: their clock may be ahead of ours. */
function authTimeOf({ auth_time: seconds }: oauth.IDToken, now: Date): Date | undefined {
  return seconds === undefined ? undefined : new Date(Math.min(seconds * 1000, now.getTime()));
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

/**
 * Nothing of the upstream's words leaves this place: a code, oauth4webapi's or our own, is enough to find the cause.
 */
function asSignInError(error: unknown): unknown {
  if (error instanceof UpstreamSignInError || error instanceof UpstreamUnavailableError) return error;
  if (error instanceof EgressError)
    return new UpstreamUnavailableError(`The other provider cannot be reached: ${error.code}.`, { cause: error });
  if (error instanceof oauth.AuthorizationResponseError || error instanceof oauth.ResponseBodyError)
    return new UpstreamSignInError(`it answered ${quotable(error.error, 50)}`, { cause: error });
  if (error instanceof oauth.WWWAuthenticateChallengeError)
    return new UpstreamSignInError('it refused our request', { cause: error });
  if (error instanceof oauth.OperationProcessingError || error instanceof oauth.UnsupportedOperationError)
    return new UpstreamSignInError(`${error.name} ${String(error.code)}`, { cause: error });
  if (error instanceof errors.JOSEError) return new UpstreamSignInError(`ID token: ${error.code}`, { cause: error });
  return error;
}
