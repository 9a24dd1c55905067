import { Inject, Injectable } from '@nestjs/common';
import type { Client } from '../clients/client.js';
import { ClientsService } from '../clients/clients.service.js';
import { SETTINGS, type Settings } from '../../platform/config/settings.js';
import { JwtSigner } from '../../platform/keys/jwt-signer.js';
import { InsufficientScopeError, InvalidTokenError } from '../../platform/oidc/errors.js';
import { personClaims } from './person-claims.js';
import { Tokens } from './tokens.js';

export interface UserinfoAnswer {
  readonly client: Client | undefined;
  readonly claims: Readonly<Record<string, unknown>>;
  /** The same as a JWT for the client, if it is registered for that. */
  readonly signed: string | undefined;
}

/** Claims about the person who allowed them (OpenID Connect Core 1.0 §5.3). */
@Injectable()
export class UserinfoService {
  constructor(
    private readonly tokens: Tokens,
    private readonly clients: ClientsService,
    private readonly signer: JwtSigner,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /** @throws InvalidTokenError, InsufficientScopeError when the token was not for `openid` */
  async userinfo(token: string): Promise<UserinfoAnswer> {
    const active = await this.tokens.findAccessToken(token);
    if (active === undefined) throw new InvalidTokenError('The access token is unknown, expired or revoked.');
    if (active.live === undefined || !active.scope.includes('openid')) {
      throw new InsufficientScopeError('The access token was not issued for openid.', 'openid');
    }
    // RFC 9068 §4. Whatever is issued for openid names us.
    if (!active.audience.includes(this.settings.issuer))
      throw new InvalidTokenError('The access token is meant for another resource.');
    const client = await this.clients.find(active.clientId);
    const claims = { ...personClaims(active.scope, active.live), sub: active.live.grant.accountId };
    return { client, claims, signed: await this.signed(client, claims) };
  }

  /** Without a `typ`, so that it is never taken for an ID token, with which it shares issuer, subject and audience. */
  private async signed(client: Client | undefined, claims: object): Promise<string | undefined> {
    const alg = client?.metadata.userinfo_signed_response_alg;
    if (client === undefined || alg === undefined) return undefined;
    return this.signer.sign(alg, undefined, { ...claims, iss: this.settings.issuer, aud: client.clientId });
  }
}
