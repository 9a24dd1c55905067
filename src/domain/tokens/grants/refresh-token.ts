import { Inject, Injectable } from '@nestjs/common';
import { SETTINGS, type Settings } from '../../../platform/config/settings.js';
import { FormParameter } from '../../../platform/oidc/form-parameter.js';
import type { Client } from '../../clients/client.js';
import { RefreshRotation } from '../refresh-rotation.js';
import type { TokenResponse } from '../token-responder.js';
import { GrantHandler, type GrantType } from './grant-handler.js';
import { SCOPE_PARAMETER } from './scope-parameter.js';

class RefreshTokenParameters {
  @FormParameter({
    description: 'With `refresh_token`. It can be used once; the answer holds its successor.',
    maxLength: 500,
    required: true,
    example: '8xLOxBtZp8vR1mFv8mXmPGN1tDl8gL7kWm4X2F1C8aE',
  })
  readonly refresh_token: string;

  @FormParameter(SCOPE_PARAMETER)
  readonly scope?: string;
}

@Injectable()
class RefreshTokenHandler extends GrantHandler<RefreshTokenParameters> {
  constructor(
    private readonly refreshTokens: RefreshRotation,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {
    super();
  }

  handle(client: Client, parameters: RefreshTokenParameters): Promise<TokenResponse> {
    const { refresh_token: refreshToken, scope } = parameters;
    return this.refreshTokens.rotate(client, { refreshToken, scope }, this.settings.refreshGraceMs);
  }
}

/** RFC 6749 §6. */
export const REFRESH_TOKEN: GrantType<RefreshTokenParameters> = {
  name: 'refresh_token',
  continues: true,
  publicClients: true,
  inDiscovery: true,
  parameters: RefreshTokenParameters,
  handler: RefreshTokenHandler,
};
