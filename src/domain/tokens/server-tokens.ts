import { Inject, Injectable } from '@nestjs/common';
import { SETTINGS, type Settings } from '../../platform/config/settings.js';
import { InsufficientScopeError, InvalidTokenError } from '../../platform/oidc/errors.js';
import type { ActiveAccessToken } from './access-tokens.service.js';
import { Tokens } from './tokens.js';

/**
 * The one check of access tokens that give power over this server, at the admin API and at `/register`. One round trip,
 * so a revoked token is refused at once.
 */
@Injectable()
export class ServerTokens {
  constructor(
    private readonly tokens: Tokens,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /**
   * @param scopes of this server, any of which will do; the first is named in the refusal
   * @throws InvalidTokenError when it is dead, or meant for another resource (RFC 9068 §4)
   * @throws InsufficientScopeError when it has none of the scopes, or stands for a person: power over the server is a
   *   client's own, and a person's consent does not check whether the person has it
   */
  async verify(token: string, scopes: readonly [string, ...string[]]): Promise<ActiveAccessToken> {
    const active = await this.tokens.findAccessToken(token);
    if (active === undefined) throw new InvalidTokenError('The access token is unknown, expired or revoked.');
    if (!active.audience.includes(this.settings.issuer))
      throw new InvalidTokenError('The access token is not meant for this API.');
    const [scope] = scopes;
    if (active.live !== undefined)
      throw new InsufficientScopeError(`A token for ${scope} is a client's own, by client_credentials.`, scope);
    if (!scopes.some((value) => active.scope.includes(value)))
      throw new InsufficientScopeError(`The access token was not issued for ${scopes.join(' or ')}.`, scope);
    return active;
  }
}
