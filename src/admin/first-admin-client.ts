import { Inject, Injectable } from '@nestjs/common';
import { ClientsService } from '../clients/clients.service.js';
import { SETTINGS, type Settings } from '../config/settings.js';
import { ADMIN_SCOPE } from '../oidc/claims.js';
import { ConflictError } from '../oidc/errors.js';

const DEFAULT_ID = 'exeunt-admin';

export interface AdminClientCredentials {
  readonly clientId: string;
  /** Only where it was generated just now: it cannot be shown again. */
  readonly generatedSecret: string | undefined;
}

/** The client that operators sign in as, made at the first start (design §3). */
@Injectable()
export class FirstAdminClient {
  constructor(
    private readonly clients: ClientsService,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /** Creates it when it is missing; sets the secret that the environment gives. Safe on several nodes at once. */
  async ensure(): Promise<AdminClientCredentials> {
    const clientId = this.settings.adminClientId ?? DEFAULT_ID;
    const given = this.settings.adminClientSecret;
    try {
      const { clientSecret } = await this.clients.ensureClient(clientId, given, {
        client_name: 'Exeunt administration',
        grant_types: ['client_credentials'],
        scope: ADMIN_SCOPE,
        // Swagger UI sends client credentials in the header, so does curl -u.
        token_endpoint_auth_method: 'client_secret_basic',
      });
      return { clientId, generatedSecret: given === undefined ? clientSecret : undefined };
    } catch (error) {
      // Another node was first.
      if (error instanceof ConflictError) return { clientId, generatedSecret: undefined };
      throw error;
    }
  }
}
