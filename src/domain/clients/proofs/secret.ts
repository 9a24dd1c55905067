import { Injectable } from '@nestjs/common';
import { FormParameter } from '../../../platform/oidc/form-parameter.js';
import { SECRET_METHODS, type Client } from '../client.js';
import { ClientsService } from '../clients.service.js';
import { basicReadings, isNameOnly } from './basic-credentials.js';
import { ProofVerifier, type ClientProof, type ProofRequest } from './client-proof.js';
import type { SecretReading } from './secret-readings.js';

class SecretParameters {
  @FormParameter({ description: 'With `client_secret_post`.', maxLength: 1000 })
  readonly client_secret?: string;
}

@Injectable()
class SecretVerifier extends ProofVerifier<readonly SecretReading[], SecretReading> {
  constructor(private readonly clients: ClientsService) {
    super();
  }

  reads({ authorization, parameters }: ProofRequest): ReadonlyArray<readonly SecretReading[]> {
    const basic = basicReadings(authorization);
    const { client_id: clientId = basic[0]?.clientId, client_secret: secret } = parameters;
    return [
      ...(basic.length === 0 || isNameOnly(basic) ? [] : [basic]),
      ...(secret === undefined ? [] : [clientId === undefined ? [] : [{ clientId, secret }]]),
    ];
  }

  claims(presented: readonly SecretReading[]): readonly SecretReading[] {
    return presented;
  }

  verify(_client: Client | undefined, { clientId, secret }: SecretReading): Promise<boolean> {
    return this.clients.isSecret(clientId, secret);
  }
}

/**
 * `client_secret_basic` and `client_secret_post` (RFC 6749 §2.3.1). In the header and in the form a secret proves the same,
 * and libraries choose one without asking what was registered, so both are taken from a client that has a secret.
 */
export const CLIENT_SECRET: ClientProof = {
  methods: SECRET_METHODS,
  authenticates: true,
  parameters: SecretParameters,
  // A secret that is replaced is another matter than metadata: its tokens die with it.
  kept: () => 'all',
  verifier: SecretVerifier,
};
