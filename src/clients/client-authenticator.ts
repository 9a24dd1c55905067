import { Inject, Injectable } from '@nestjs/common';
import { decodeJwt, errors, jwtVerify, type JWTPayload } from 'jose';
import { SETTINGS, type Settings } from '../config/settings.js';
import { Clock } from '../database/clock.js';
import { statement } from '../database/statement.js';
import { TransactionRunner } from '../database/transaction.js';
import { CLIENT_ASSERTION_ALGORITHMS } from '../oidc/algorithms.js';
import { InvalidClientError, InvalidRequestError } from '../oidc/errors.js';
import { sha256 } from '../oidc/secret.js';
import { ClientJwks } from './client-jwks.js';
import type { Client } from './client.js';
import { ClientsService } from './clients.service.js';

/** What a request says about the client that sends it. */
export interface ClientCredentials {
  readonly authorization?: string | undefined;
  readonly client_id?: string | undefined;
  readonly client_secret?: string | undefined;
  readonly client_assertion?: string | undefined;
  readonly client_assertion_type?: string | undefined;
}

export const JWT_BEARER_ASSERTION = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const CLOCK_SKEW_SECONDS = 30;
const MAX_ASSERTION_LIFE_SECONDS = 3600;

const USE_JTI = statement(
  'client_assertion_use_jti',
  `INSERT INTO used_client_assertions (client_id, jti_hash, expires_at) VALUES ($1, $2, $3)
   ON CONFLICT DO NOTHING RETURNING 1`,
);

/**
 * Client authentication at `/token`, `/revoke` and `/introspect`.
 *
 * Secrets and public clients cost no round trip; `private_key_jwt` costs one, for the single use of its `jti`.
 *
 * @see [RFC 6749](https://www.rfc-editor.org/rfc/rfc6749#section-2.3) §2.3
 * @see [OpenID Connect Core 1.0](https://openid.net/specs/openid-connect-core-1_0.html#ClientAuthentication) §9
 */
@Injectable()
export class ClientAuthenticator {
  constructor(
    private readonly clients: ClientsService,
    private readonly jwks: ClientJwks,
    private readonly transactions: TransactionRunner,
    private readonly clock: Clock,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /**
   * The client that proved who it is, by the kind of proof that it registered.
   * @throws InvalidClientError when it did not
   * @throws InvalidRequestError when it used two methods at once (RFC 6749 §2.3)
   */
  async authenticate(credentials: ClientCredentials): Promise<Client> {
    const basic = parseBasic(credentials.authorization);
    const methods = [basic, credentials.client_secret, credentials.client_assertion].filter(
      (method) => method !== undefined,
    );
    if (methods.length > 1) throw new InvalidRequestError('Use one method of client authentication, not several.');
    if (credentials.client_assertion !== undefined) return this.byAssertion(credentials.client_assertion, credentials);
    if (basic !== undefined) {
      if (credentials.client_id !== undefined && credentials.client_id !== basic.clientId) {
        throw new InvalidRequestError('client_id contradicts the Authorization header.');
      }
      return this.bySecret(basic.clientId, basic.clientSecret);
    }
    if (credentials.client_id === undefined) throw new InvalidClientError('No client authentication was sent.');
    if (credentials.client_secret !== undefined) {
      return this.bySecret(credentials.client_id, credentials.client_secret);
    }
    const client = await this.clients.findEnabled(credentials.client_id);
    if (client?.metadata.token_endpoint_auth_method !== 'none') throw refused();
    return client;
  }

  /**
   * A secret proves the same in the header and in the form, and libraries choose one without asking what was
   * registered; so both are taken from a client that has a secret. A client that registered keys or nothing at all has
   * none.
   */
  private async bySecret(clientId: string, secret: string): Promise<Client> {
    const client = await this.clients.findEnabled(clientId);
    if (client === undefined || !(await this.clients.isSecret(clientId, secret))) throw refused();
    const { token_endpoint_auth_method: registered } = client.metadata;
    if (registered !== 'client_secret_basic' && registered !== 'client_secret_post') {
      throw new InvalidClientError(`This client is registered to authenticate by ${registered}.`);
    }
    return client;
  }

  private async byAssertion(assertion: string, credentials: ClientCredentials): Promise<Client> {
    if (credentials.client_assertion_type !== JWT_BEARER_ASSERTION) {
      throw new InvalidRequestError(`client_assertion_type must be ${JWT_BEARER_ASSERTION}.`);
    }
    const claimed = subjectOf(assertion);
    const client = await this.clients.findEnabled(claimed);
    if (client?.metadata.token_endpoint_auth_method !== 'private_key_jwt') throw refused();
    if (credentials.client_id !== undefined && credentials.client_id !== claimed) throw refused();
    const claims = await this.verifyAssertion(assertion, client);
    const { jti, exp } = claims;
    if (typeof jti !== 'string' || jti === '' || exp === undefined)
      throw new InvalidClientError('The assertion needs jti and exp.');
    if (exp > this.clock.seconds() + MAX_ASSERTION_LIFE_SECONDS)
      throw new InvalidClientError('The assertion lives too long.');
    const expiresAt = new Date((exp + CLOCK_SKEW_SECONDS) * 1000);
    const used = await this.transactions.query(USE_JTI, [client.clientId, sha256(jti), expiresAt]);
    if (used.length === 0) throw new InvalidClientError('This assertion was used before.');
    return client;
  }

  private async verifyAssertion(assertion: string, client: Client): Promise<JWTPayload> {
    const { token_endpoint_auth_signing_alg: registered } = client.metadata;
    try {
      const { payload } = await jwtVerify(assertion, this.jwks.keysOf(client), {
        algorithms: registered === undefined ? [...CLIENT_ASSERTION_ALGORITHMS] : [registered],
        issuer: client.clientId,
        subject: client.clientId,
        // Core's newer drafts want the issuer alone; libraries of today send the token endpoint (requirements A.4).
        audience: [this.settings.issuer, `${this.settings.issuer}/token`],
        clockTolerance: CLOCK_SKEW_SECONDS,
        currentDate: this.clock.now(),
      });
      return payload;
    } catch (error) {
      if (error instanceof errors.JOSEError)
        throw new InvalidClientError('The client assertion is not valid.', { cause: error });
      throw error;
    }
  }
}

/** One answer for an unknown client and a wrong secret, so that nobody learns which clients exist. */
function refused(): InvalidClientError {
  return new InvalidClientError('Client authentication failed.');
}

/** RFC 6749 §2.3.1: both parts are form-url-encoded before base64. */
function parseBasic(
  header: string | undefined,
): { readonly clientId: string; readonly clientSecret: string } | undefined {
  const match = /^basic +([A-Za-z0-9+/_=-]*) *$/i.exec(header ?? '');
  if (match === null) return undefined;
  const text = Buffer.from(match[1] ?? '', 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 0) throw new InvalidClientError('The Authorization header is not valid.');
  try {
    return { clientId: formDecode(text.slice(0, colon)), clientSecret: formDecode(text.slice(colon + 1)) };
  } catch (cause) {
    throw new InvalidClientError('The Authorization header is not form-url-encoded.', { cause });
  }
}

function formDecode(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '));
}

/** Whose assertion it claims to be: only to find the keys it is then verified with. */
function subjectOf(assertion: string): string {
  try {
    const { sub } = decodeJwt(assertion);
    if (typeof sub === 'string') return sub;
  } catch (cause) {
    throw new InvalidClientError('The client assertion is not a JWT.', { cause });
  }
  throw new InvalidClientError('The client assertion has no sub.');
}
