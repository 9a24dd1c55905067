import type { Type } from '@nestjs/common';
import type { ClientMetadata } from '../../../platform/oidc/client-metadata.js';
import type { ClientProof, KeptProof } from './client-proof.js';

type Method = Pick<ClientMetadata, 'token_endpoint_auth_method'>;

/** The kinds of client authentication that this installation offers, as discovery and registration ask about them. */
export class OfferedProofs {
  constructor(readonly list: readonly ClientProof[]) {}

  /** Every value of `token_endpoint_auth_method`. */
  get methods(): readonly string[] {
    return this.list.flatMap(({ methods }) => methods);
  }

  /** Those by which a client proves who it is. */
  get authenticatingMethods(): readonly string[] {
    return this.list.filter(({ authenticates }) => authenticates).flatMap(({ methods }) => methods);
  }

  /** Every value of `token_endpoint_auth_signing_alg`. */
  get signingAlgorithms(): readonly string[] {
    return [...new Set(this.list.flatMap(({ signingAlgorithms = [] }) => signingAlgorithms))];
  }

  /** Form parameters that proofs read. */
  get parameters(): ReadonlyArray<Type<object>> {
    return this.list.flatMap(({ parameters }) => parameters ?? []);
  }

  /** Client metadata that proofs add. */
  get members(): ReadonlyArray<Type<object>> {
    return this.list.flatMap(({ members }) => members ?? []);
  }

  /** The proof that counts for a client with this metadata; undefined: it is no longer offered. */
  of({ token_endpoint_auth_method: method }: Method): ClientProof | undefined {
    return this.list.find(({ methods }) => methods.includes(method));
  }

  /** How much of what proved a client before a change does so afterwards. */
  kept(before: ClientMetadata, after: ClientMetadata): KeptProof {
    const proof = this.of(before);
    return proof === undefined || proof !== this.of(after) ? 'none' : proof.kept(before, after);
  }
}
