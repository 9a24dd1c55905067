import { Inject, Injectable } from '@nestjs/common';
import { decodeJwt, errors, jwtVerify, type JWTPayload } from 'jose';
import { Clock } from '../../../platform/clock/clock.js';
import { SETTINGS, type Settings } from '../../../platform/config/settings.js';
import { CLIENT_ASSERTION_ALGORITHMS } from '../../../platform/oidc/algorithms.js';
import type { ClientMetadata } from '../../../platform/oidc/client-metadata.js';
import { InvalidClientError, InvalidRequestError } from '../../../platform/oidc/errors.js';
import { FormParameter } from '../../../platform/oidc/form-parameter.js';
import { sha256 } from '../../../platform/oidc/secret.js';
import { isUnusableKey } from '../../../platform/oidc/unusable-key.js';
import { Endpoints } from '../../../platform/oidc/endpoints.js';
import { ClientJwks } from '../client-jwks.js';
import type { Client } from '../client.js';
import { UsedAssertionRepository } from '../used-assertion.repository.js';
import { basicReadings } from './basic-credentials.js';
import { ProofVerifier, type Claim, type ClientProof, type KeptProof, type ProofRequest } from './client-proof.js';

/** Where clients authenticate, by the names that older libraries and RFC 9126 §2 have an assertion meant for. */
function endpointsOf(issuer: string): readonly string[] {
  const endpoints = new Endpoints(issuer);
  return [endpoints.url('token'), endpoints.url('pushedAuthorization')];
}

const JWT_BEARER_ASSERTION = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const CLOCK_SKEW_SECONDS = 30;
const MAX_ASSERTION_LIFE_SECONDS = 3600;

class AssertionParameters {
  @FormParameter({ description: 'With `private_key_jwt` (RFC 7523 §2.2).', maxLength: 8000 })
  readonly client_assertion?: string;

  @FormParameter({ maxLength: 200, example: JWT_BEARER_ASSERTION })
  readonly client_assertion_type?: string;
}

interface Presented {
  readonly assertion: string;
  readonly type: string | undefined;
  /** The client that the request names besides. */
  readonly named: string | undefined;
}
type AssertionClaim = Presented & Claim;

@Injectable()
class AssertionVerifier extends ProofVerifier<Presented, AssertionClaim> {
  constructor(
    private readonly jwks: ClientJwks,
    private readonly used: UsedAssertionRepository,
    private readonly clock: Clock,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {
    super();
  }

  reads({ authorization, parameters }: ProofRequest): readonly Presented[] {
    const { client_assertion: assertion, client_assertion_type: type } = parameters;
    const named = parameters.client_id ?? basicReadings(authorization)[0]?.clientId;
    return assertion === undefined ? [] : [{ assertion, type, named }];
  }

  claims(presented: Presented): readonly AssertionClaim[] {
    return [{ ...presented, clientId: subjectOf(presented.assertion) }];
  }

  /** One round trip, for the single use of its `jti`. */
  async verify(client: Client | undefined, { assertion, type, named }: AssertionClaim): Promise<boolean> {
    if (type !== JWT_BEARER_ASSERTION)
      throw new InvalidRequestError(`client_assertion_type must be ${JWT_BEARER_ASSERTION}.`);
    if (client === undefined || (named !== undefined && named !== client.clientId)) return false;
    const { jti, exp } = await this.verified(assertion, client);
    if (typeof jti !== 'string' || jti === '' || exp === undefined)
      throw new InvalidClientError('The assertion needs jti and exp.');
    if (exp > this.clock.seconds() + MAX_ASSERTION_LIFE_SECONDS)
      throw new InvalidClientError('The assertion lives too long.');
    const expiresAt = new Date((exp + CLOCK_SKEW_SECONDS) * 1000);
    if (!(await this.used.use(client.clientId, sha256(jti), expiresAt)))
      throw new InvalidClientError('This assertion was used before.');
    return true;
  }

  private async verified(assertion: string, client: Client): Promise<JWTPayload> {
    const { token_endpoint_auth_signing_alg: registered } = client.metadata;
    try {
      const { payload } = await jwtVerify(assertion, this.jwks.keysOf(client), {
        algorithms: registered === undefined ? [...CLIENT_ASSERTION_ALGORITHMS] : [registered],
        issuer: client.clientId,
        subject: client.clientId,
        audience: this.settings.acceptAssertionsForEndpoint
          ? [this.settings.issuer, ...endpointsOf(this.settings.issuer)]
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

/** `private_key_jwt` (OpenID Connect Core 1.0 §9, RFC 7523 §2.2): a signature by a key that the client registered. */
export const PRIVATE_KEY_JWT: ClientProof = {
  methods: ['private_key_jwt'],
  authenticates: true,
  signingAlgorithms: CLIENT_ASSERTION_ALGORITHMS,
  parameters: AssertionParameters,
  registrationProblem: ({ jwks, jwks_uri: uri }) =>
    jwks === undefined && uri === undefined ? 'needs jwks or jwks_uri' : undefined,
  kept: keptKeys,
  verifier: AssertionVerifier,
};

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

/** How many of a client's keys, by value or by address, are among those that it has afterwards. */
function keptKeys(before: ClientMetadata, after: ClientMetadata): KeptProof {
  if (before.jwks_uri !== undefined) return before.jwks_uri === after.jwks_uri ? 'all' : 'none';
  const kept = new Set((after.jwks?.keys ?? []).map(keyIdentity));
  const keys = (before.jwks?.keys ?? []).map(keyIdentity);
  const lost = keys.filter((key) => !kept.has(key)).length;
  if (lost === 0) return 'all';
  return lost < keys.length ? 'some' : 'none';
}

/** What makes a public key that key (RFC 7638 §3.2): not its `kid`, nor the order of its members. */
function keyIdentity(key: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(['kty', 'crv', 'x', 'y', 'n', 'e'].map((member) => key[member] ?? null));
}
