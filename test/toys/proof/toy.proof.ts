import { Injectable } from '@nestjs/common';
import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional, Matches } from 'class-validator';
import type { Client } from '../../../src/domain/clients/client.js';
import {
  ProofVerifier,
  type Claim,
  type ClientProof,
  type ProofRequest,
} from '../../../src/domain/clients/proofs/client-proof.js';
import type { ClientMetadata } from '../../../src/platform/oidc/client-metadata.js';
import { FormParameter } from '../../../src/platform/oidc/form-parameter.js';
import { matchesHash } from '../../../src/platform/oidc/secret.js';

class ToyParameters {
  @FormParameter({ description: 'With `toy_pin`.', maxLength: 100 })
  readonly client_pin?: string;
}

class ToyMembers {
  @ApiPropertyOptional({ description: 'SHA-256 of the pin, in base64url. With `toy_pin`.', type: String })
  @IsOptional()
  @Matches(/^[\w-]{43}$/)
  readonly toy_pin_hash?: string;
}

interface PinClaim extends Claim {
  readonly pin: string;
}

@Injectable()
class ToyVerifier extends ProofVerifier<PinClaim, PinClaim> {
  reads({ parameters: { client_id: clientId, client_pin: pin } }: ProofRequest): readonly PinClaim[] {
    return clientId === undefined || pin === undefined ? [] : [{ clientId, pin }];
  }

  claims(presented: PinClaim): readonly PinClaim[] {
    return [presented];
  }

  async verify(client: Client | undefined, { pin }: PinClaim): Promise<boolean> {
    const hash = client === undefined ? undefined : pinHash(client.metadata);
    return matchesHash(pin, hash === undefined ? null : Buffer.from(hash, 'base64url'));
  }
}

function pinHash(metadata: ClientMetadata & ToyMembers): string | undefined {
  return metadata.toy_pin_hash;
}

/** A kind of client authentication in one file: a pin in the form, of which the client registered the hash. */
export const TOY: ClientProof = {
  methods: ['toy_pin'],
  authenticates: true,
  parameters: ToyParameters,
  members: ToyMembers,
  registrationProblem: ({ toy_pin_hash: hash }) => (hash === undefined ? 'needs toy_pin_hash' : undefined),
  kept: (before, after) => (pinHash(before) === pinHash(after) ? 'all' : 'none'),
  verifier: ToyVerifier,
};
