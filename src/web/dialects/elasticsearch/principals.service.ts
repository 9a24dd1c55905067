import { Inject, Injectable } from '@nestjs/common';
import { displayName } from '../../../domain/accounts/account.js';
import { SessionsService } from '../../../domain/sessions/sessions.service.js';
import type { ActiveAccessToken } from '../../../domain/tokens/access-tokens.service.js';
import { personClaims } from '../../../domain/tokens/person-claims.js';
import type { TokenResponse } from '../../../domain/tokens/token-responder.js';
import { Tokens } from '../../../domain/tokens/tokens.js';
import { SETTINGS, type Settings } from '../../../platform/config/settings.js';
import { RealmAuthenticationError } from './realm-errors.js';
import { OWN_REALM } from './vocabulary.js';

/** The person for whom tokens stand, as a facilitator sees them. */
export interface Principal {
  readonly login: string;
  readonly fullName: string | undefined;
  readonly email: string | undefined;
  readonly realm: string;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** A pair of tokens, and the person for whom they stand. */
export interface RealmTokens {
  readonly accessToken: string;
  readonly refreshToken: string | undefined;
  /** Seconds. */
  readonly expiresIn: number;
  readonly principal: Principal;
}

/** Says to facilitators for whom tokens stand. */
@Injectable()
export class Principals {
  constructor(
    private readonly tokens: Tokens,
    private readonly sessions: SessionsService,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /**
   * The login, by which a facilitator names people here, and of their claims those that the token's scope tells.
   * @param token of a person, not of a client; a facilitator's
   */
  async principalOf(token: ActiveAccessToken): Promise<Principal> {
    const { live } = token;
    if (live === undefined) throw new Error('the token stands for no person');
    const claims = toldClaims(token.scope, live);
    const { email } = claims;
    const link =
      live.grant.upstream === null || live.grant.sessionId === null
        ? undefined
        : await this.sessions.findUpstream({ accountId: live.grant.accountId, sessionId: live.grant.sessionId });
    return {
      login: live.login,
      fullName: displayName({ claims }),
      email: typeof email === 'string' ? email : undefined,
      realm: live.grant.upstream ?? OWN_REALM,
      metadata: {
        'oidc(sub)': link?.sub ?? live.grant.accountId,
        'oidc(iss)': link?.issuer ?? this.settings.issuer,
        ...Object.fromEntries(
          ['name', 'email', 'preferred_username']
            .filter((name) => typeof claims[name] === 'string')
            .map((name) => [`oidc(${name})`, claims[name]]),
        ),
      },
    };
  }

  /** @throws RealmAuthenticationError when the session has ended since they were issued */
  async describe(issued: TokenResponse): Promise<RealmTokens> {
    const active = await this.tokens.findAccessToken(issued.access_token);
    // Ended between the two statements: nothing is handed out that is dead already.
    if (active?.live === undefined) throw new RealmAuthenticationError('ended_meanwhile');
    return {
      accessToken: issued.access_token,
      refreshToken: issued.refresh_token,
      expiresIn: issued.expires_in,
      principal: await this.principalOf(active),
    };
  }
}

/** A name that only stands in for one is the login, which is shown as such. */
function toldClaims(
  scope: readonly string[],
  live: NonNullable<ActiveAccessToken['live']>,
): Readonly<Record<string, unknown>> {
  const { preferred_username: preferred, ...claims } = personClaims(scope, live);
  return preferred === undefined || preferred === live.login ? claims : { ...claims, preferred_username: preferred };
}
