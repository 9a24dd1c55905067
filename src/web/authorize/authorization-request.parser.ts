import { Inject, Injectable } from '@nestjs/common';
import type { Client } from '../../domain/clients/client.js';
import { ClientsService } from '../../domain/clients/clients.service.js';
import type { AuthorizationRequest, ResponseTarget } from '../../domain/interactions/authorization-request.js';
import type { PushedParameters } from '../../domain/interactions/pushed-request.repository.js';
import { isPushed, PushedRequests } from '../../domain/interactions/pushed-requests.service.js';
import { SETTINGS, type Settings } from '../../platform/config/settings.js';
import { grantableScope } from '../../domain/interactions/request-of-today.js';
import { PushedRequestOverError, UnanswerableRequestError } from '../../domain/interactions/interaction-errors.js';
import { HintVerifier } from '../../domain/tokens/hint-verifier.js';
import { parseScope, type ClaimsParameter } from '../../platform/oidc/claims.js';
import { InvalidRequestError, type AuthorizationErrorCode } from '../../platform/oidc/errors.js';
import { isAllowedRedirectUri, isWebUri } from '../../platform/oidc/redirect-uri.js';
import { textProblem } from '../../platform/oidc/text.js';
import { AuthorizationError, type Fail } from './authorization-error.js';
import { essentialAcr, parseClaims } from './claims-parameter.js';
import { RequestObjects, type OpenedRequest } from './request-objects.js';

export type RawParameters = Readonly<Record<string, unknown>>;

const MAX_LENGTH = 8000;
const NOT_SUPPORTED = [
  ['request_uri', 'request_uri_not_supported'],
  ['registration', 'registration_not_supported'],
] as const;
const NOT_PUSHED = 'This client must push its requests (RFC 9126).';
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
    private readonly pushed: PushedRequests,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /**
   * A request that came with the browser, or the pushed one that it names.
   * @throws InvalidRequestError when client or redirect URI are not good: shown to the person, never a redirect
   * @throws AuthorizationError for everything else
   */
  async parse(sent: RawParameters): Promise<{ readonly client: Client; readonly request: AuthorizationRequest }> {
    const client = await this.client(sent);
    const requestUri = single(sent, 'request_uri');
    if (requestUri === undefined || !isPushed(requestUri)) {
      const mustPush =
        this.settings.requirePushedRequests || client.metadata.require_pushed_authorization_requests === true;
      const opened = await this.requestObjects.open(client, sent);
      return { client, request: await this.read(client, opened, mustPush ? NOT_PUSHED : undefined) };
    }
    const pushed = await this.pushed.find(client.clientId, requestUri);
    if (pushed === undefined || pushed.used)
      throw new PushedRequestOverError(pushed === undefined ? 'expired' : 'used', client);
    // As it may be asked today: what the client was registered for may have been taken from it since (RFC 9126 §7.4).
    const request = await this.read(client, { parameters: pushed.parameters, problem: undefined });
    return { client, request: { ...request, pushed: pushed.reference } };
  }

  /**
   * The parameters of a request that its client pushes, every one of them good (RFC 9126 §2.1). What a request object says is
   * taken out of it: it is good now, and may have expired when the browser comes.
   * @throws InvalidRequestError, AuthorizationError
   */
  async parsePushed(client: Client, sent: RawParameters): Promise<PushedParameters> {
    if (single(sent, 'request_uri') !== undefined) throw new InvalidRequestError('request_uri must not be pushed.');
    const { client_id: _, ...beside } = sent;
    // Beside a request object stands nothing but what the client proves itself by (RFC 9126 §3).
    const request = single(sent, 'request');
    const opened = await this.requestObjects.open(client, request === undefined ? beside : { request });
    await this.read(client, opened);
    return Object.fromEntries(
      Object.entries(opened.parameters).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
    );
  }

  private async read(
    client: Client,
    { parameters: raw, problem }: OpenedRequest,
    refusal?: string,
  ): Promise<AuthorizationRequest> {
    const sentRedirectUri = single(raw, 'redirect_uri');
    const { redirectUri, responseMode } = this.wayBack(client, sentRedirectUri, raw);
    const target: ResponseTarget = {
      clientId: client.clientId,
      redirectUri,
      responseMode,
      state: single(raw, 'state'),
    };
    const fail = (code: AuthorizationErrorCode, description: string): never => {
      throw new AuthorizationError(code, description, client, target);
    };

    checkText(raw, fail);
    if (refusal !== undefined) fail('invalid_request', refusal);
    // A form is posted to a web address (OAuth 2.0 Form Post Response Mode 1.0 §2); an app gets the error by the other
    // mode.
    if (responseMode === 'form_post' && !isWebUri(redirectUri)) {
      const byQuery: ResponseTarget = { ...target, responseMode: 'query' };
      const description = 'response_mode=form_post needs a web address to post to.';
      throw new AuthorizationError('invalid_request', description, client, byQuery);
    }
    if (problem !== undefined) fail(problem.code, problem.description);
    checkFlow(raw, client, fail);
    const prompt = parseScope(single(raw, 'prompt')).filter((value) => PROMPTS.includes(value));
    if (prompt.includes('none') && prompt.length > 1) fail('invalid_request', 'prompt=none stands alone.');
    const claims = parseClaims(single(raw, 'claims'), fail);
    const codeChallenge = codeChallengeOf(client, raw, fail);
    const hintedSub = await this.hintedSub(raw, claims, fail);
    return {
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
    };
  }

  /** Until both are good the response can only be a page, with a link to the application as it is registered. */
  private wayBack(
    client: Client,
    sent: string | undefined,
    raw: RawParameters,
  ): Pick<ResponseTarget, 'redirectUri' | 'responseMode'> {
    try {
      const redirectUri = redirectUriOf(client, sent, raw);
      return { redirectUri, responseMode: responseModeOf(raw) };
    } catch (error) {
      if (!(error instanceof InvalidRequestError)) throw error;
      throw new UnanswerableRequestError(error.description, client);
    }
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

/** Each parameter came once, is of a bounded length, and is text that can be stored. */
function checkText(raw: RawParameters, fail: Fail): void {
  const repeated = Object.keys(raw).find((name) => typeof raw[name] !== 'string');
  if (repeated !== undefined) fail('invalid_request', 'A parameter was sent more than once.');
  if (Object.values(raw).some((value) => String(value).length > MAX_LENGTH))
    fail('invalid_request', 'A parameter is too long.');
  const badText = textProblem(raw);
  if (badText !== undefined) fail('invalid_request', badText.words);
}

/** The authorization code flow is what is offered, and what the client may use. */
function checkFlow(raw: RawParameters, client: Client, fail: Fail): void {
  for (const [name, code] of NOT_SUPPORTED)
    if (single(raw, name) !== undefined) fail(code, `${name} is not supported.`);
  const responseType = single(raw, 'response_type');
  if (responseType === undefined) fail('invalid_request', 'response_type is required.');
  if (responseType !== 'code') fail('unsupported_response_type', 'Only the response type code is offered.');
  if (!client.metadata.grant_types.includes('authorization_code'))
    fail('unauthorized_client', 'This client may not use the authorization code flow.');
}

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

function codeChallengeOf(client: Client, raw: RawParameters, fail: Fail): string | undefined {
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

function maxAgeOf(raw: RawParameters, client: Client, fail: Fail): number | undefined {
  const text = single(raw, 'max_age');
  if (text === undefined) return client.metadata.default_max_age;
  if (!/^\d{1,9}$/.test(text)) fail('invalid_request', 'max_age must be a number of seconds.');
  return Number(text);
}

function optional<Name extends string, Value>(
  name: Name,
  value: Value | undefined,
): { readonly [name in Name]?: Value } {
  return value === undefined ? {} : ({ [name]: value } as { [name in Name]: Value });
}
