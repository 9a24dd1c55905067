import { Injectable } from '@nestjs/common';
import { requestedClaims, selectClaims } from '../oidc/claims.js';
import { InsufficientScopeError, InvalidTokenError } from '../oidc/errors.js';
import { AccessTokensService } from './access-tokens.service.js';

export interface UserinfoAnswer {
  readonly clientId: string;
  readonly claims: Readonly<Record<string, unknown>>;
}

/** Claims about the person who allowed them (OpenID Connect Core 1.0 §5.3). */
@Injectable()
export class UserinfoService {
  constructor(private readonly accessTokens: AccessTokensService) {}

  /** @throws InvalidTokenError, InsufficientScopeError when the token was not for `openid` */
  async userinfo(token: string): Promise<UserinfoAnswer> {
    const active = await this.accessTokens.findActive(token);
    if (active === undefined) throw new InvalidTokenError('The access token is unknown, expired or revoked.');
    if (active.live === undefined || !active.scope.includes('openid')) {
      throw new InsufficientScopeError('The access token was not issued for openid.', 'openid');
    }
    const { grant, accountClaims } = active.live;
    const names = requestedClaims(active.scope, grant.claims?.userinfo);
    return { clientId: active.clientId, claims: { ...selectClaims(accountClaims, names), sub: grant.accountId } };
  }
}
