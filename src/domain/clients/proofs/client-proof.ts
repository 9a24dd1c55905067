import type { X509Certificate } from 'node:crypto';
import type { Type } from '@nestjs/common';
import type { ClientMetadata } from '../../../platform/oidc/client-metadata.js';
import type { Client } from '../client.js';

/** A request, as far as it can say which client sends it. It is no type of an HTTP library, so that any edge can make one. */
export interface ProofRequest {
  /** Parameters of the form body, each sent once. */
  readonly parameters: Readonly<Record<string, string | undefined>>;
  readonly authorization?: string | undefined;
  /** Where it comes from: wrong proofs are counted by it. */
  readonly address?: string | undefined;
  /** What the client showed in the TLS handshake (RFC 8705 §2), where the edge knows it. */
  readonly certificate?: X509Certificate | undefined;
}

/** One reading of what was presented: the client that it claims to come from. A kind of proof adds its evidence. */
export interface Claim {
  readonly clientId: string;
}

/** How much of what proved a client before a change of its metadata proves it afterwards. */
export type KeptProof = 'all' | 'some' | 'none';

/**
 * A kind of client authentication (RFC 6749 §2.3, OpenID Connect Core 1.0 §9): all that discovery, registration, the
 * OpenAPI document and the endpoints know of it.
 */
export interface ClientProof {
  /** Values of `token_endpoint_auth_method` that it serves. A client of one may use it in the way of another. */
  readonly methods: readonly string[];
  /**
   * Whether it proves who asks. One that does not (`none`) only names the client: it counts where nothing else was
   * presented, is not guessed at, and opens nothing that needs a confidential client.
   */
  readonly authenticates: boolean;
  /** Values of `token_endpoint_auth_signing_alg`, for a proof that is signed. */
  readonly signingAlgorithms?: readonly string[];
  /** Form parameters that it reads, besides `client_id`. Each is a `@FormParameter()`, and may be left out. */
  readonly parameters?: Type<object>;
  /** Members of client metadata that are its own, each with its checks. Kept for clients of its methods alone. */
  readonly members?: Type<object>;
  /** What is wrong with metadata that name one of its methods: the end of a sentence about the method, or undefined. */
  registrationProblem?(metadata: Readonly<Record<string, unknown>>): string | undefined;
  /** Of two states of a client that it serves in both. */
  kept(before: ClientMetadata, after: ClientMetadata): KeptProof;
  readonly verifier: Type<ProofVerifier>;
}

/**
 * Reads and verifies one kind of proof. Which client is meant, whether its registration has this proof count, limits on
 * guesses and the record of failures are `ClientAuthenticator`'s, so that none of them can be forgotten here.
 *
 * @typeParam Presented what a request holds, as it came
 * @typeParam C a reading of it
 */
export abstract class ProofVerifier<Presented = unknown, C extends Claim = Claim> {
  /**
   * What a request presents of this kind; several where it does so in several ways, which are too many. Looks at nothing
   * but the request.
   * @throws InvalidClientError for a header that cannot be read
   */
  abstract reads(request: ProofRequest): readonly Presented[];

  /**
   * The readings of what was presented, the likeliest first; one right reading is enough.
   * @throws InvalidClientError for what is no proof at all: that is no guess, and is not counted
   */
  abstract claims(presented: Presented): readonly C[];

  /**
   * Whether the client proves by this claim who it is.
   * @param client enabled and registered for this proof; undefined where the claim names no such client. Then the answer
   *   is false, and takes as long as for a wrong proof.
   * @throws InvalidClientError in place of false, where the client is to learn why
   * @throws InvalidRequestError for what can be said of the request alone: not counted
   */
  abstract verify(client: Client | undefined, claim: C): Promise<boolean>;
}
