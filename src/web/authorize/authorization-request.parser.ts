import { Inject, Injectable } from '@nestjs/common';
import { registeredScope, type Client } from '../../domain/clients/client.js';
import { wayToApplication } from '../pages/client-view.js';
import { ClientsService } from '../../domain/clients/clients.service.js';
import { SETTINGS, type Settings } from '../../platform/config/settings.js';
import { PASSWORD_ACR, UPSTREAM_ACR } from '../../platform/oidc/authentication-context.js';
import {
  isServerScope,
  parseScope,
  REQUESTABLE_CLAIMS,
  type ClaimRequest,
  type ClaimsParameter,
} from '../../platform/oidc/claims.js';
import { InvalidRequestError, type AuthorizationErrorCode } from '../../platform/oidc/errors.js';
import { isAllowedRedirectUri, isWebUri } from '../../platform/oidc/redirect-uri.js';
import { textProblem } from '../../platform/oidc/text.js';
import type { LeadsOn, WayOn } from '../../platform/oidc/ways-on.js';
import { HintVerifier } from '../../domain/tokens/hint-verifier.js';
import type { AuthorizationRequest } from '../../domain/interactions/authorization-request.js';
import { RequestObjects } from './request-objects.js';

/** Where an answer goes, once client and redirect URI are known to be good. */
export interface AnswerTarget {
  readonly clientId: string;
  readonly redirectUri: string;
  readonly responseMode: 'query' | 'form_post';
  readonly state: string | undefined;
}

/** The request is wrong, and the client gets the error by redirect (RFC 6749 §4.1.2.1). */
export class AuthorizationError extends Error {
  constructor(
    readonly code: AuthorizationErrorCode,
    readonly description: string,
    readonly target: AnswerTarget,
  ) {
    super(description);
  }
}

/** The request is wrong, and only the person can be shown so. */
export class UnanswerableRequestError extends InvalidRequestError implements LeadsOn {
  constructor(
    description: string,
    readonly ways: readonly WayOn[],
  ) {
    super(description);
  }
}

export type RawParameters = Readonly<Record<string, unknown>>;

const MAX_LENGTH = 8000;
const NOT_SUPPORTED = [
  ['request_uri', 'request_uri_not_supported'],
  ['registration', 'registration_not_supported'],
] as const;
const PROMPTS = ['none', 'login', 'consent', 'select_account'];

/**
 * Validates an authorization request, in an order that never sends a browser to a URI that is not the client's.
 *
 * @see [OpenID Connect Core 1.0](https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest) §3.1.2.1, §3.1.2.2
 * @see [RFC 9700](https://www.rfc-editor.org/rfc/rfc9700#section-4.1) §4.1
 */
@Injectable()
export class AuthorizationRequestParser {
  constructor(
    private readonly clients: ClientsService,
    private readonly hints: HintVerifier,
    private readonly requestObjects: RequestObjects,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /**
   * @throws InvalidRequestError when client or redirect URI are not good: shown to the person, never a redirect
   * @throws AuthorizationError for everything else
   */
  async parse(sent: RawParameters): Promise<{ readonly client: Client; readonly request: AuthorizationRequest }> {
    const client = await this.client(sent);
    const { parameters: raw, problem } = await this.requestObjects.open(client, sent);
    const sentRedirectUri = single(raw, 'redirect_uri');
    const { redirectUri, responseMode } = this.wayBack(client, sentRedirectUri, raw);
    const target: AnswerTarget = {
      clientId: client.clientId,
      redirectUri,
      responseMode,
      state: single(raw, 'state'),
    };
    const fail = (code: AuthorizationErrorCode, description: string): never => {
      throw new AuthorizationError(code, description, target);
    };

    const repeated = Object.keys(raw).find((name) => typeof raw[name] !== 'string');
    if (repeated !== undefined) fail('invalid_request', 'A parameter was sent more than once.');
    if (Object.values(raw).some((value) => String(value).length > MAX_LENGTH))
      fail('invalid_request', 'A parameter is too long.');
    const badText = textProblem(raw);
    if (badText !== undefined) fail('invalid_request', badText.words);
    // A form is posted to a web address (OAuth 2.0 Form Post Response Mode 1.0 §2); an app gets the error by the other
    // mode.
    if (target.responseMode === 'form_post' && !isWebUri(redirectUri))
      throw new AuthorizationError('invalid_request', 'response_mode=form_post needs a web address to post to.', {
        ...target,
        responseMode: 'query',
      });
    if (problem !== undefined) fail(problem.code, problem.description);
    for (const [name, code] of NOT_SUPPORTED)
      if (single(raw, name) !== undefined) fail(code, `${name} is not supported.`);

    const responseType = single(raw, 'response_type');
    if (responseType === undefined) fail('invalid_request', 'response_type is required.');
    if (responseType !== 'code') fail('unsupported_response_type', 'Only the response type code is offered.');
    if (!client.metadata.grant_types.includes('authorization_code'))
      fail('unauthorized_client', 'This client may not use the authorization code flow.');

    const prompt = parseScope(single(raw, 'prompt')).filter((value) => PROMPTS.includes(value));
    if (prompt.includes('none') && prompt.length > 1) fail('invalid_request', 'prompt=none stands alone.');
    const claims = parseClaims(single(raw, 'claims'), fail);
    const codeChallenge = this.codeChallenge(client, raw, fail);
    const hintedSub = await this.hintedSub(raw, claims, fail);
    return {
      client,
      request: {
        clientId: client.clientId,
        redirectUri,
        redirectUriSent: sentRedirectUri !== undefined,
        responseMode: target.responseMode,
        // Unknown scopes are ignored (Core §3.1.2.1); the token response says what was granted.
        scope: grantableScope(client, parseScope(single(raw, 'scope'))),
        prompt,
        ...optional('state', target.state),
        ...optional('nonce', single(raw, 'nonce')),
        ...optional('codeChallenge', codeChallenge),
        ...optional('maxAge', maxAgeOf(raw, client, fail)),
        ...optional('loginHint', single(raw, 'login_hint')),
        ...optional('hintedSub', hintedSub),
        ...optional('claims', claims),
        ...optional('acr', essentialAcr(claims, fail)),
      },
    };
  }

  /**
   * The request as it may be answered today. A person may think for an hour before they answer, and what the client was
   * registered for when it asked may have been taken from it meanwhile.
   * @throws InvalidRequestError when it may not be answered at all; no browser is sent to a URI that was removed
   */
  recheck(client: Client, request: AuthorizationRequest): AuthorizationRequest {
    const { metadata } = client;
    if (!isAllowedRedirectUri(metadata.redirect_uris, request.redirectUri, metadata))
      throw this.unanswerable(client, 'The address to return to is no longer registered for the application.');
    if (!metadata.grant_types.includes('authorization_code'))
      throw this.unanswerable(client, 'The application that sent you here does not sign people in any more.');
    if (metadata.token_endpoint_auth_method === 'none' && request.codeChallenge === undefined)
      throw this.unanswerable(client, 'The application has changed. Go back to it and sign in once more.');
    return { ...request, scope: grantableScope(client, request.scope) };
  }

  /** Until both are good the response can only be a page, with a link to the application as it is registered. */
  private wayBack(
    client: Client,
    sent: string | undefined,
    raw: RawParameters,
  ): Pick<AnswerTarget, 'redirectUri' | 'responseMode'> {
    try {
      const redirectUri = redirectUriOf(client, sent, raw);
      return { redirectUri, responseMode: responseModeOf(raw) };
    } catch (error) {
      if (!(error instanceof InvalidRequestError)) throw error;
      throw this.unanswerable(client, error.description);
    }
  }

  private unanswerable(client: Client, description: string): UnanswerableRequestError {
    const way = wayToApplication(client, this.settings.issuer);
    return new UnanswerableRequestError(description, way === undefined ? [] : [way]);
  }

  private async client(raw: RawParameters): Promise<Client> {
    const clientId = single(raw, 'client_id');
    if (clientId === undefined) throw new InvalidRequestError('The request names no client_id, or more than one.');
    const client = await this.clients.find(clientId);
    if (client === undefined) throw new InvalidRequestError('The application that sent you here is not registered.');
    if (client.disabledAt !== null)
      throw new InvalidRequestError('The application that sent you here has been switched off.');
    return client;
  }

  private codeChallenge(client: Client, raw: RawParameters, fail: Fail): string | undefined {
    const challenge = single(raw, 'code_challenge');
    const method = single(raw, 'code_challenge_method');
    if (challenge === undefined) {
      if (method !== undefined) fail('invalid_request', 'code_challenge is missing.');
      if (client.metadata.token_endpoint_auth_method === 'none')
        fail('invalid_request', 'Public clients need PKCE (code_challenge, S256).');
      return undefined;
    }
    // Without a method it would be "plain" (RFC 7636 §4.3), which protects nothing and is not offered.
    if (method !== 'S256') fail('invalid_request', 'code_challenge_method must be S256.');
    if (!/^[A-Za-z0-9_-]{43}$/.test(challenge))
      fail('invalid_request', 'code_challenge must be a base64url-encoded SHA-256 hash.');
    return challenge;
  }

  /** Which person the client expects: by `id_token_hint`, or by a `sub` in the claims parameter (Core §5.5.1). */
  private async hintedSub(
    raw: RawParameters,
    claims: ClaimsParameter | undefined,
    fail: Fail,
  ): Promise<string | undefined> {
    const hint = single(raw, 'id_token_hint');
    const verified = hint === undefined ? undefined : await this.hints.idTokenHint(hint);
    if (hint !== undefined && verified === undefined)
      fail('invalid_request', 'id_token_hint was not issued by this provider.');
    const wanted = claims?.id_token?.sub?.value;
    if (verified !== undefined && typeof wanted === 'string' && wanted !== verified.sub)
      fail('invalid_request', 'id_token_hint and claims name different people.');
    return verified?.sub ?? (typeof wanted === 'string' ? wanted : undefined);
  }
}

/** Of the scopes asked for, those that a person can grant to this client. */
function grantableScope(client: Client, scope: readonly string[]): readonly string[] {
  const registered = registeredScope(client);
  return scope.filter((value) => registered.includes(value) && !isServerScope(value));
}

type Fail = (code: AuthorizationErrorCode, description: string) => never;

/** The parameter's value if it was sent once and is not empty (RFC 6749 §3.1: empty counts as omitted). */
function single(raw: RawParameters, name: string): string | undefined {
  const value = Object.hasOwn(raw, name) ? raw[name] : undefined;
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function redirectUriOf(client: Client, sent: string | undefined, raw: RawParameters): string {
  const registered = client.metadata.redirect_uris;
  if (sent === undefined) {
    const [only] = registered;
    if (raw.redirect_uri !== undefined && raw.redirect_uri !== '')
      throw new InvalidRequestError('redirect_uri was sent more than once.');
    if (only === undefined || registered.length > 1)
      throw new InvalidRequestError('The request names no redirect_uri.');
    return only;
  }
  if (!isAllowedRedirectUri(registered, sent, client.metadata)) {
    throw new InvalidRequestError('The address to return to (redirect_uri) is not registered for this application.');
  }
  return sent;
}

function responseModeOf(raw: RawParameters): 'query' | 'form_post' {
  const mode = single(raw, 'response_mode') ?? 'query';
  if (mode !== 'query' && mode !== 'form_post')
    throw new InvalidRequestError('response_mode must be query or form_post.');
  return mode;
}

function maxAgeOf(raw: RawParameters, client: Client, fail: Fail): number | undefined {
  const text = single(raw, 'max_age');
  if (text === undefined) return client.metadata.default_max_age;
  if (!/^\d{1,9}$/.test(text)) fail('invalid_request', 'max_age must be a number of seconds.');
  return Number(text);
}

function parseClaims(text: string | undefined, fail: Fail): ClaimsParameter | undefined {
  if (text === undefined) return undefined;
  const claims = parseObject(text) ?? fail('invalid_request', 'claims must be a JSON object.');
  // The text is JSON inside a parameter, so what it says comes to light only here.
  const badText = textProblem(claims);
  if (badText !== undefined) fail('invalid_request', `claims: ${badText.words}`);
  const { userinfo, id_token: idToken } = claims;
  if (![userinfo, idToken].every((member) => member === undefined || member === null || isObject(member))) {
    fail('invalid_request', 'claims has a member that is not an object.');
  }
  return {
    ...(isObject(userinfo) ? { userinfo: claimRequests(userinfo, fail) } : {}),
    ...(isObject(idToken) ? { id_token: claimRequests(idToken, fail) } : {}),
  };
}

/**
 * Those of our contexts that an essential `acr` leaves; undefined when it is not essential, or any will do. What cannot
 * be given at all fails the authentication at once (Core §5.5.1.1).
 */
function essentialAcr(claims: ClaimsParameter | undefined, fail: Fail): readonly string[] | undefined {
  const acr: unknown = claims?.id_token?.acr;
  if (!isObject(acr)) return undefined;
  const { essential, value, values } = acr;
  if (value !== undefined && typeof value !== 'string') fail('invalid_request', 'claims: acr.value must be a string.');
  if (values !== undefined && !isTexts(values))
    fail('invalid_request', 'claims: acr.values must be a list of strings.');
  if (essential !== true || (value === undefined && values === undefined)) return undefined;
  const given = [PASSWORD_ACR, UPSTREAM_ACR].filter(
    (context) => (value === undefined || value === context) && (!isTexts(values) || values.includes(context)),
  );
  if (given.length === 0) fail('unmet_authentication_requirements', 'The requested acr cannot be given.');
  return given;
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((member) => typeof member === 'string');
}

/**
 * The requests for claims that there are. Others are ignored (Core §5.5), so they are neither kept nor shown: a name is
 * free text of the link's author.
 */
function claimRequests(requests: Record<string, unknown>, fail: Fail): Record<string, ClaimRequest | null> {
  const known = Object.entries(requests).filter(([name]) => REQUESTABLE_CLAIMS.has(name));
  return Object.fromEntries(
    known.map(([name, request]) => {
      if (!isObject(request)) return [name, null];
      const { essential, value, values } = request;
      // Core §5.5.1
      if (values !== undefined && !Array.isArray(values))
        fail('invalid_request', `claims: values of ${name} must be an array.`);
      return [
        name,
        {
          ...(typeof essential === 'boolean' ? { essential } : {}),
          ...(value === undefined ? {} : { value }),
          ...(Array.isArray(values) ? { values: values as readonly unknown[] } : {}),
        },
      ];
    }),
  );
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    // The caller answers invalid_request.
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function optional<Name extends string, Value>(
  name: Name,
  value: Value | undefined,
): { readonly [name in Name]?: Value } {
  return value === undefined ? {} : ({ [name]: value } as { [name in Name]: Value });
}
