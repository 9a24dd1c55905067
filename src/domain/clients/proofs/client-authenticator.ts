import { InvalidClientError, InvalidRequestError } from '../../../platform/oidc/errors.js';
import type { Client } from '../client.js';
import type { ClientsService } from '../clients.service.js';
import { basicReadings } from './basic-credentials.js';
import type { Claim, ClientProof, ProofRequest, ProofVerifier } from './client-proof.js';
import type { ProofGuesses } from './proof-guesses.js';
import { CLIENT_SECRET } from './secret.js';
import type { SecretReading } from './secret-readings.js';

/** A kind of proof with what verifies it here. */
export interface VerifiedProof {
  readonly proof: ClientProof;
  readonly verifier: ProofVerifier;
}

interface PresentedProof extends VerifiedProof {
  readonly presented: unknown;
}

/**
 * Who sends a request: the one place that decides which proof counts, for `/token`, `/revoke`, `/introspect`, the dialects
 * and the console alike. What a proof is, `client-proof.ts` says.
 *
 * Secrets and public clients cost no round trip; `private_key_jwt` costs one, for the single use of its `jti`.
 *
 * @see [RFC 6749](https://www.rfc-editor.org/rfc/rfc6749#section-2.3) §2.3
 * @see [OpenID Connect Core 1.0](https://openid.net/specs/openid-connect-core-1_0.html#ClientAuthentication) §9
 */
export class ClientAuthenticator {
  constructor(
    private readonly clients: ClientsService,
    private readonly guesses: ProofGuesses,
    private readonly proofs: readonly VerifiedProof[],
  ) {}

  /**
   * The client that proved who it is, by the kind of proof that it registered.
   * @throws InvalidClientError when it did not
   * @throws InvalidRequestError when it used two methods at once (RFC 6749 §2.3)
   * @throws TooManyRequestsError when too many were wrong before: then nothing was looked at
   */
  async authenticate(request: ProofRequest): Promise<Client> {
    const all = this.presentedBy(request);
    const proving = all.filter(({ proof }) => proof.authenticates);
    if (proving.length > 1) throw new InvalidRequestError('Use one method of client authentication, not several.');
    refuseContradiction(request);
    const [chosen] = [...proving, ...all];
    const claims = chosen?.verifier.claims(chosen.presented) ?? [];
    if (chosen === undefined || claims.length === 0) throw new InvalidClientError('No client authentication was sent.');
    const client = await this.find(chosen, claims, request.address ?? '');
    if (client === undefined) throw refused();
    return client;
  }

  /**
   * The client that one of these readings of a secret proves to be, for an edge that gets secrets in a way of its own;
   * undefined when none does, which counts once.
   * @throws TooManyRequestsError as {@link authenticate} does
   */
  async findBySecret(readings: readonly SecretReading[], address: string): Promise<Client | undefined> {
    const secret = this.proofs.find(({ proof }) => proof === CLIENT_SECRET);
    return secret === undefined ? undefined : this.find(secret, readings, address);
  }

  /** The client that a request says it comes from, whether or not it proves it. */
  claimedClientId(request: ProofRequest): string | undefined {
    try {
      const name = basicReadings(request.authorization)[0]?.clientId ?? request.parameters.client_id;
      if (name !== undefined) return name;
      const [first] = this.presentedBy(request);
      return first?.verifier.claims(first.presented)[0]?.clientId;
    } catch (error) {
      if (error instanceof InvalidClientError) return undefined;
      throw error;
    }
  }

  private presentedBy(request: ProofRequest): readonly PresentedProof[] {
    return this.proofs.flatMap(({ proof, verifier }) =>
      verifier.reads(request).map((presented) => ({ proof, verifier, presented })),
    );
  }

  /** @throws InvalidClientError with the proof's own reason */
  private async find(
    { proof, verifier }: VerifiedProof,
    claims: readonly Claim[],
    address: string,
  ): Promise<Client | undefined> {
    if (!proof.authenticates) return this.proved(verifier, await this.candidates(proof, claims));
    let refusal: InvalidClientError | undefined;
    const client = await this.guesses.guard(claims[0]?.clientId ?? '', address, async (attempt) => {
      const candidates = await this.candidates(proof, claims);
      // Before the first of them is looked at, so however many come at once, each is counted.
      const held = attempt.begin();
      if (held !== undefined) await held;
      try {
        return await this.proved(verifier, candidates);
      } catch (error) {
        if (!(error instanceof InvalidClientError)) throw error;
        refusal = error;
        return undefined;
      }
    });
    if (refusal !== undefined) throw refusal;
    return client;
  }

  /** With each claim the client that it names, if that is enabled and its registration has this proof count. */
  private async candidates(proof: ClientProof, claims: readonly Claim[]): Promise<readonly Candidate[]> {
    const candidates: Candidate[] = [];
    for (const claim of claims) {
      const client = await this.clients.findEnabled(claim.clientId);
      const counts = client !== undefined && proof.methods.includes(client.metadata.token_endpoint_auth_method);
      candidates.push({ claim, client: counts ? client : undefined });
    }
    return candidates;
  }

  /** Every one is looked at, also after a right one, so that the time tells nothing. */
  private async proved(verifier: ProofVerifier, candidates: readonly Candidate[]): Promise<Client | undefined> {
    const answers = await Promise.all(candidates.map(({ claim, client }) => verifier.verify(client, claim)));
    return candidates.find(({ client }, n) => client !== undefined && answers[n] === true)?.client;
  }
}

interface Candidate {
  readonly claim: Claim;
  readonly client: Client | undefined;
}

function refuseContradiction({ authorization, parameters: { client_id: named } }: ProofRequest): void {
  if (named === undefined) return;
  const readings = basicReadings(authorization);
  if (readings.length === 0) return;
  if (readings.every(({ clientId }) => clientId !== named))
    throw new InvalidRequestError('client_id contradicts the Authorization header.');
}

/** One error for an unknown client and a wrong proof, so that an attacker does not learn which clients exist. */
function refused(): InvalidClientError {
  return new InvalidClientError('Client authentication failed.');
}
