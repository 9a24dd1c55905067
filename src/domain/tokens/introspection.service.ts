import { Inject, Injectable } from '@nestjs/common';
import type { Client } from '../clients/client.js';
import { ClientsService } from '../clients/clients.service.js';
import { SETTINGS, type Settings } from '../../platform/config/settings.js';
import type { ActiveAccessToken } from './access-tokens.service.js';
import type { RefreshTokenState } from './refresh-token.repository.js';
import { personClaims } from './person-claims.js';
import { Tokens } from './tokens.js';

/** RFC 7662 §2.2. Of an inactive token nothing else is said. */
export type Introspection =
  { readonly active: false } | ({ readonly active: true } & Readonly<Record<string, unknown>>);

const INACTIVE: Introspection = { active: false };

/** Says whether a token is good, to those that it is meant for. */
@Injectable()
export class IntrospectionService {
  constructor(
    private readonly tokens: Tokens,
    private readonly clients: ClientsService,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /**
   * One round trip for an access token. A token that is not meant for the caller is inactive to it
   * (docs/threat-model.md#introspection-by-others).
   */
  async introspect(caller: Client, token: string): Promise<Introspection> {
    const inspected = await this.tokens.inspect(token);
    if (inspected === undefined) return INACTIVE;
    if (inspected.kind === 'refresh_token') return this.describeRefreshToken(caller, inspected.token);
    return (await this.isMeantFor(inspected.token, caller)) ? this.describe(inspected.token) : INACTIVE;
  }

  /**
   * Its own client, or a resource server that the token's audience names; the default audience is every resource
   * server.
   */
  private async isMeantFor(token: ActiveAccessToken, caller: Client): Promise<boolean> {
    if (token.clientId === caller.clientId) return true;
    if (!caller.metadata.resource_server) return false;
    const names = [caller.clientId, ...caller.metadata.audience];
    return token.audience.some((audience) => names.includes(audience)) || (await this.hasDefaultAudience(token));
  }

  /** Beside another API's name ours may stand for userinfo alone: then it says nothing of resource servers. */
  private async hasDefaultAudience(token: ActiveAccessToken): Promise<boolean> {
    if (!token.audience.includes(this.settings.issuer)) return false;
    if (token.audience.length === 1) return true;
    return (await this.clients.find(token.clientId))?.metadata.audience.includes(this.settings.issuer) === true;
  }

  private describe(token: ActiveAccessToken): Introspection {
    return {
      active: true,
      iss: this.settings.issuer,
      sub: token.sub,
      aud: token.audience.length === 1 ? token.audience[0] : token.audience,
      client_id: token.clientId,
      scope: token.scope.join(' '),
      token_type: 'Bearer',
      iat: token.issuedAt,
      exp: token.expiresAt,
      jti: token.jti,
      ...usernameOf(token),
      ...(token.sid === undefined ? {} : { sid: token.sid }),
      ...(token.authTime === undefined ? {} : { auth_time: token.authTime }),
    };
  }

  private describeRefreshToken(caller: Client, state: RefreshTokenState): Introspection {
    if (state.grant.clientId !== caller.clientId || state.expiresAt === null) return INACTIVE;
    return {
      active: true,
      iss: this.settings.issuer,
      sub: state.grant.accountId,
      client_id: state.grant.clientId,
      scope: state.grant.scope.join(' '),
      exp: Math.floor(state.expiresAt.getTime() / 1000),
      ...(state.grant.sid === null ? {} : { sid: state.grant.sid }),
    };
  }
}

/** RFC 7662 §2.2: a name that people read. It is shown where the token's scope shows one. */
function usernameOf({ scope, live }: ActiveAccessToken): { readonly username?: unknown } {
  if (live === undefined) return {};
  const { preferred_username: preferred, email } = personClaims(scope, live);
  const username = preferred ?? email;
  return username === undefined ? {} : { username };
}
