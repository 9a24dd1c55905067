import { Injectable } from '@nestjs/common';
import type { Client } from '../../../src/domain/clients/client.js';
import { AccessTokensService } from '../../../src/domain/tokens/access-tokens.service.js';
import { GrantHandler, type GrantType } from '../../../src/domain/tokens/grants/grant-handler.js';
import type { TokenResponse } from '../../../src/domain/tokens/token-responder.js';
import { Tokens } from '../../../src/domain/tokens/tokens.js';
import { InvalidGrantError } from '../../../src/platform/oidc/errors.js';
import { FormParameter } from '../../../src/platform/oidc/form-parameter.js';

class ToyParameters {
  @FormParameter({ description: 'With the toy: an access token of a person.', maxLength: 4000, required: true })
  readonly toy_token: string;
}

@Injectable()
class ToyHandler extends GrantHandler<ToyParameters> {
  constructor(
    private readonly tokens: Tokens,
    private readonly accessTokens: AccessTokensService,
  ) {
    super();
  }

  async handle(client: Client, { toy_token: subject }: ToyParameters): Promise<TokenResponse> {
    const active = await this.tokens.findAccessToken(subject);
    if (active?.live === undefined || active.clientId !== client.clientId)
      throw new InvalidGrantError('toy_token is no good access token of this client.');
    const prepared = this.accessTokens.prepare(client, active.scope, active.live.grant.accountId);
    return {
      access_token: await prepared.finish(active.live.grant, active.scope),
      token_type: 'Bearer',
      expires_in: prepared.expiresIn,
      scope: active.scope.join(' '),
    };
  }
}

/** A grant type in one file: gives another access token for one that is good. */
export const TOY: GrantType<ToyParameters> = {
  name: 'urn:example:toy',
  needs: ['authorization_code'],
  publicClients: false,
  inDiscovery: true,
  parameters: ToyParameters,
  handler: ToyHandler,
};
