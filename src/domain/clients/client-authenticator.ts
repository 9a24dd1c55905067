import { Inject, Injectable } from '@nestjs/common';
import { decodeJwt, errors, jwtVerify, type JWTPayload } from 'jose';
import { SETTINGS, type Settings } from '../../platform/config/settings.js';
import { Clock } from '../../platform/clock/clock.js';
import { statement } from '../../platform/database/statement.js';
import { TransactionRunner } from '../../platform/database/transaction.js';
import { CLIENT_ASSERTION_ALGORITHMS } from '../../platform/oidc/algorithms.js';
import { InvalidClientError, InvalidRequestError } from '../../platform/oidc/errors.js';
import { sha256 } from '../../platform/oidc/secret.js';
import { isUnusableKey } from '../../platform/oidc/unusable-key.js';
import { ClientSecrets } from './client-secrets.js';
import { ClientJwks } from './client-jwks.js';
import type { Client } from './client.js';
import { ClientsService } from './clients.service.js';
import { secretReadings, type SecretReading } from './secret-readings.js';

/** What a request says about the client that sends it. */
export interface ClientCredentials {
  readonly authorization?: string | undefined;
  readonly client_id?: string | undefined;
  readonly client_secret?: string | undefined;
  readonly client_assertion?: string | undefined;
  readonly client_assertion_type?: string | undefined;
  /** Where the request comes from: wrong proofs are counted by it. */
  readonly address?: string | undefined;
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
    private readonly secrets: ClientSecrets,
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
    // RFC 6749 §2.3.1: an empty secret may as well be left out. Then it is a name and proves nothing.
    const nameOnly = basic?.secret === '';
    const methods = [nameOnly ? undefined : basic, credentials.client_secret, credentials.client_assertion].filter(
      (method) => method !== undefined,
    );
    if (methods.length > 1) throw new InvalidRequestError('Use one method of client authentication, not several.');
    // As OAuth reads it first, then as it came.
    const readings = basic === undefined ? [] : secretReadings(basic).toReversed();
    const named = credentials.client_id ?? readings[0]?.clientId;
    if (readings.length > 0 && readings.every(({ clientId }) => clientId !== named)) {
      throw new InvalidRequestError('client_id contradicts the Authorization header.');
    }
    const { address = '' } = credentials;
    if (credentials.client_assertion !== undefined)
      return this.byCountedAssertion(credentials.client_assertion, { ...credentials, client_id: named }, address);
    if (basic !== undefined && !nameOnly) return this.bySecret(readings, address);
    if (named === undefined) throw new InvalidClientError('No client authentication was sent.');
    if (credentials.client_secret !== undefined)
      return this.bySecret([{ clientId: named, secret: credentials.client_secret }], address);
    return this.byName(named);
  }

  private async byName(clientId: string): Promise<Client> {
    const client = await this.clients.findEnabled(clientId);
    if (client?.metadata.token_endpoint_auth_method !== 'none') throw refused();
    return client;
  }

  private async bySecret(readings: readonly SecretReading[], address: string): Promise<Client> {
    const client = await this.secrets.find(readings, address);
    if (client === undefined) throw refused();
    return client;
  }

  /** A forged assertion costs us a signature check, so as many of them are looked at as of wrong secrets. */
  private async byCountedAssertion(
    assertion: string,
    credentials: ClientCredentials,
    address: string,
  ): Promise<Client> {
    let refusal: unknown;
    const client = await this.secrets.guard(subjectOf(assertion), address, async (attempt) => {
      attempt.begin();
      try {
        return await this.byAssertion(assertion, credentials);
      } catch (error) {
        if (!(error instanceof InvalidClientError)) throw error;
        refusal = error;
        return undefined;
      }
    });
    if (client === undefined) throw refusal;
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
        audience: this.settings.acceptAssertionsForEndpoint
          ? [this.settings.issuer, `${this.settings.issuer}/token`]
          : this.settings.issuer,
        clockTolerance: CLOCK_SKEW_SECONDS,
        currentDate: this.clock.now(),
      });
      // The issuer as the one string (draft-ietf-oauth-rfc7523bis §4): an assertion that names several audiences, or an
      // address that another server may give out as its own, can be carried from one to the other.
      if (!this.settings.acceptAssertionsForEndpoint && typeof payload.aud !== 'string')
        throw new InvalidClientError('aud of the client assertion must be the issuer, as one string.');
      return payload;
    } catch (error) {
      if (error instanceof errors.JOSEError || isUnusableKey(error))
        throw new InvalidClientError('The client assertion is not valid.', { cause: error });
      throw error;
    }
  }
}

/** The client that a request says it comes from, whether or not it proves it. */
export function claimedClientId(credentials: ClientCredentials): string | undefined {
  try {
    const basic = parseBasic(credentials.authorization);
    // As OAuth reads it, which is how it is read first.
    if (basic !== undefined) return secretReadings(basic).at(-1)?.clientId;
    if (credentials.client_id !== undefined) return credentials.client_id;
    return credentials.client_assertion === undefined ? undefined : subjectOf(credentials.client_assertion);
  } catch (error) {
    if (error instanceof InvalidClientError) return undefined;
    throw error;
  }
}

/** One error for an unknown client and a wrong secret, so that an attacker does not learn which clients exist. */
function refused(): InvalidClientError {
  return new InvalidClientError('Client authentication failed.');
}

/** What `Basic` brings, as it came. */
function parseBasic(header: string | undefined): SecretReading | undefined {
  const match = /^basic +([A-Za-z0-9+/_=-]*) *$/i.exec(header ?? '');
  if (match === null) return undefined;
  const text = Buffer.from(match[1] ?? '', 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 0) throw new InvalidClientError('The Authorization header is not valid.');
  return { clientId: text.slice(0, colon), secret: text.slice(colon + 1) };
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
