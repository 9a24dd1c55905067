import { Injectable } from '@nestjs/common';
import { STANDARD_SCOPES } from '../../../platform/oidc/claims.js';
import { InvalidScopeError } from '../../../platform/oidc/errors.js';
import { FormParameter } from '../../../platform/oidc/form-parameter.js';
import { registeredScope, type Client } from '../../clients/client.js';
import { AccessTokensService } from '../access-tokens.service.js';
import { requestedScope } from '../requested-scope.js';
import type { TokenResponse } from '../token-responder.js';
import { GrantHandler, type GrantType } from './grant-handler.js';
import { SCOPE_PARAMETER } from './scope-parameter.js';

class ClientCredentialsParameters {
  @FormParameter(SCOPE_PARAMETER)
  readonly scope?: string;
}

@Injectable()
class ClientCredentialsHandler extends GrantHandler<ClientCredentialsParameters> {
  constructor(private readonly accessTokens: AccessTokensService) {
    super();
  }

  /** Costs no round trip. */
  async handle(client: Client, { scope }: ClientCredentialsParameters): Promise<TokenResponse> {
    const people: readonly string[] = STANDARD_SCOPES;
    const allowed = registeredScope(client).filter((value) => !people.includes(value));
    const wanted = scope === undefined ? allowed : requestedScope(scope);
    if (wanted.some((value) => !allowed.includes(value))) {
      throw new InvalidScopeError('The client may not ask for one of these scopes with client_credentials.');
    }
    const { token, expiresIn } = await this.accessTokens.issueToClient(client, wanted);
    return { access_token: token, token_type: 'Bearer', expires_in: expiresIn, scope: wanted.join(' ') };
  }
}

/** RFC 6749 §4.4. */
export const CLIENT_CREDENTIALS: GrantType<ClientCredentialsParameters> = {
  name: 'client_credentials',
  publicClients: false,
  inDiscovery: true,
  parameters: ClientCredentialsParameters,
  handler: ClientCredentialsHandler,
};
