import { Injectable } from '@nestjs/common';
import type { Client } from '../client.js';
import { basicReadings } from './basic-credentials.js';
import { ProofVerifier, type Claim, type ClientProof, type ProofRequest } from './client-proof.js';

@Injectable()
class NameReader extends ProofVerifier<Claim> {
  reads({ authorization, parameters }: ProofRequest): readonly Claim[] {
    const clientId = parameters.client_id ?? basicReadings(authorization)[0]?.clientId;
    return clientId === undefined ? [] : [{ clientId }];
  }

  claims(presented: Claim): readonly Claim[] {
    return [presented];
  }

  async verify(client: Client | undefined): Promise<boolean> {
    return client !== undefined;
  }
}

/** `none`: a public client (RFC 6749 §2.1) only says its name, in the form or in a header without a secret. */
export const NO_PROOF: ClientProof = {
  methods: ['none'],
  authenticates: false,
  kept: () => 'all',
  verifier: NameReader,
};
