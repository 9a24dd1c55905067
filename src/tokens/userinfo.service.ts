import { Inject, Injectable } from '@nestjs/common';
import { SETTINGS, type Settings } from '../config/settings.js';
import { InsufficientScopeError, InvalidTokenError } from '../oidc/errors.js';
import { AccessTokensService } from './access-tokens.service.js';
import { personClaims } from './person-claims.js';

export interface UserinfoAnswer {
  readonly clientId: string;
  readonly claims: Readonly<Record<string, unknown>>;
}

/** Claims about the person who allowed them (OpenID Connect Core 1.0 §5.3). */
@Injectable()
export class UserinfoService {
  constructor(
    private readonly accessTokens: AccessTokensService,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /** @throws InvalidTokenError, InsufficientScopeError when the token was not for `openid` */
  async userinfo(token: string): Promise<UserinfoAnswer> {
    const active = await this.accessTokens.findActive(token);
    if (active === undefined) throw new InvalidTokenError('The access token is unknown, expired or revoked.');
    if (active.live === undefined || !active.scope.includes('openid')) {
      throw new InsufficientScopeError('The access token was not issued for openid.', 'openid');
    }
    // RFC 9068 §4. Whatever is issued for openid names us.
    if (!active.audience.includes(this.settings.issuer))
      throw new InvalidTokenError('The access token is meant for another resource.');
    return {
      clientId: active.clientId,
      claims: { ...personClaims(active.scope, active.live), sub: active.live.grant.accountId },
    };
  }
}
