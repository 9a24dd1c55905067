import { Inject, Injectable } from '@nestjs/common';
import { decodeJwt, errors, jwtVerify, type JWTPayload } from 'jose';
import { ClientJwks } from '../../domain/clients/client-jwks.js';
import type { Client } from '../../domain/clients/client.js';
import { SETTINGS, type Settings } from '../../platform/config/settings.js';
import { Clock } from '../../platform/clock/clock.js';
import { REQUEST_OBJECT_ALGORITHMS } from '../../platform/oidc/algorithms.js';
import { InvalidClientError, type AuthorizationErrorCode } from '../../platform/oidc/errors.js';
import { isUnusableKey } from '../../platform/oidc/unusable-key.js';

type Parameters = Readonly<Record<string, unknown>>;

/** An authorization request with its request object opened. */
export interface OpenedRequest {
  /** Those of the object in place of those beside it. With a problem they are good for one thing: to tell the client. */
  readonly parameters: Parameters;
  readonly problem: { readonly code: AuthorizationErrorCode; readonly description: string } | undefined;
}

const CLOCK_SKEW_SECONDS = 30;
/** What says something of the object itself (RFC 7519 §4.1), and is no parameter of the request. */
const ABOUT_THE_OBJECT = new Set([
  'iss',
  'sub',
  'aud',
  'exp',
  'nbf',
  'iat',
  'jti',
  'client_id',
  'request',
  'request_uri',
]);

/**
 * Signed request objects by value: the parameter `request`. `none` and encryption are not offered, and objects by
 * reference are refused elsewhere.
 *
 * @see [OpenID Connect Core 1.0](https://openid.net/specs/openid-connect-core-1_0.html#RequestObject) §6.1, §6.3
 * @see [RFC 9101](https://www.rfc-editor.org/rfc/rfc9101#section-6) §4, §6
 */
@Injectable()
export class RequestObjects {
  constructor(
    private readonly jwks: ClientJwks,
    private readonly clock: Clock,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /** Never throws for what is wrong with the object: the client gets the error where, and how, the object asks. */
  async open(client: Client, sent: Parameters): Promise<OpenedRequest> {
    const { request: jwt, ...beside } = sent;
    if (typeof jwt !== 'string' || jwt === '') return { parameters: sent, problem: undefined };
    const claims = claimsOf(jwt);
    const parameters = { ...beside, ...(claims === undefined ? {} : parametersOf(claims)) };
    const { jwks, jwks_uri: jwksUri } = client.metadata;
    if (jwks === undefined && jwksUri === undefined) {
      const description = 'The client has registered no keys by which a request object could be verified.';
      return { parameters, problem: { code: 'request_not_supported', description } };
    }
    const description =
      claims === undefined
        ? 'The request object is not a signed JWT.'
        : (this.contradiction(client, claims, beside) ?? (await this.forgery(client, jwt)));
    return {
      parameters,
      problem: description === undefined ? undefined : { code: 'invalid_request_object', description },
    };
  }

  /** What the object says that cannot be, with any signature. */
  private contradiction(client: Client, claims: JWTPayload, beside: Parameters): string | undefined {
    const { iss, aud, sub, client_id: clientId, response_type: responseType } = claims;
    if (claims.request !== undefined || claims.request_uri !== undefined)
      return 'A request object must not hold another one.';
    if (clientId !== undefined && clientId !== client.clientId)
      return 'client_id in the request object is another one.';
    if (iss !== undefined && iss !== client.clientId) return 'iss of the request object must be the client.';
    if (aud !== undefined && ![aud].flat().includes(this.settings.issuer))
      return 'aud of the request object must be this provider.';
    // RFC 9101 §10.8: else an assertion that the client proves itself by could be sent as a request of its.
    if (sub === client.clientId) return 'A request object must not name the client as its subject.';
    if (responseType !== undefined && beside.response_type !== undefined && responseType !== beside.response_type)
      return 'response_type in the request object is another one.';
    const unusable = Object.entries(claims).find(
      ([name, value]) => !ABOUT_THE_OBJECT.has(name) && value !== null && textOf(name, value) === undefined,
    );
    return unusable === undefined ? undefined : 'A parameter in the request object is neither a text nor a number.';
  }

  /** Why the signature, or the time, is not good. */
  private async forgery(client: Client, jwt: string): Promise<string | undefined> {
    const registered = client.metadata.request_object_signing_alg;
    try {
      await jwtVerify(jwt, this.jwks.keysOf(client), {
        algorithms: registered === undefined ? [...REQUEST_OBJECT_ALGORITHMS] : [registered],
        clockTolerance: CLOCK_SKEW_SECONDS,
        currentDate: this.clock.now(),
      });
      return undefined;
    } catch (error) {
      if (error instanceof errors.JWTExpired) return 'The request object has expired.';
      if (error instanceof errors.JOSEError || error instanceof InvalidClientError || isUnusableKey(error))
        return 'The request object is not signed by a key of the client, with an algorithm that is taken.';
      throw error;
    }
  }
}

/** Unverified; also of an unsigned object, so that its client learns that it is not accepted. */
function claimsOf(jwt: string): JWTPayload | undefined {
  try {
    return decodeJwt(jwt);
  } catch {
    // Not a JWT, or an encrypted one: the caller says so.
    return undefined;
  }
}

function parametersOf(claims: JWTPayload): Record<string, string> {
  const parameters: Record<string, string> = {};
  for (const [name, value] of Object.entries(claims)) {
    const text = ABOUT_THE_OBJECT.has(name) ? undefined : textOf(name, value);
    if (text !== undefined) parameters[name] = text;
  }
  return parameters;
}

/** As it would stand in a query: numbers as such (`max_age`), and `claims` as the JSON that it is (Core §6.1). */
function textOf(name: string, value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return name === 'claims' && typeof value === 'object' && value !== null ? JSON.stringify(value) : undefined;
}
