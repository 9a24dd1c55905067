import { Injectable } from '@nestjs/common';
import { Matches } from 'class-validator';
import { FormParameter } from '../../../platform/oidc/form-parameter.js';
import type { Client } from '../../clients/client.js';
import { CodeRedemption } from '../code-redemption.js';
import type { TokenResponse } from '../token-responder.js';
import { GrantHandler, type GrantType } from './grant-handler.js';

class AuthorizationCodeParameters {
  @FormParameter({
    description: 'With `authorization_code`.',
    maxLength: 500,
    required: true,
    example: 'SplxlOBeZQQYbYS6WxSbIAhQ7xP0dMZ1mJ4dQm2pV1w',
  })
  readonly code: string;

  @FormParameter({
    description: 'With `authorization_code`, exactly as in the authorization request.',
    maxLength: 2000,
    pattern: '^[\\x21-\\x7e]*$',
    example: 'https://ledger.example.com/callback',
  })
  @Matches(/^[\x21-\x7e]*$/, { message: 'redirect_uri has a character that no registered one has' })
  readonly redirect_uri?: string;

  @FormParameter({
    description: 'With `authorization_code` (RFC 7636 §4.5).',
    maxLength: 200,
    example: 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
  })
  readonly code_verifier?: string;
}

@Injectable()
class AuthorizationCodeHandler extends GrantHandler<AuthorizationCodeParameters> {
  constructor(private readonly codes: CodeRedemption) {
    super();
  }

  handle(client: Client, parameters: AuthorizationCodeParameters): Promise<TokenResponse> {
    const { code, redirect_uri: redirectUri, code_verifier: codeVerifier } = parameters;
    const mayRefresh = client.metadata.grant_types.includes('refresh_token');
    return this.codes.redeem(client, { code, redirectUri, codeVerifier }, mayRefresh);
  }
}

/** RFC 6749 §4.1.3, RFC 7636 §4.5, OpenID Connect Core 1.0 §3.1.3. */
export const AUTHORIZATION_CODE: GrantType<AuthorizationCodeParameters> = {
  name: 'authorization_code',
  responseType: 'code',
  publicClients: true,
  inDiscovery: true,
  parameters: AuthorizationCodeParameters,
  handler: AuthorizationCodeHandler,
};
