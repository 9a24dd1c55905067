import { Injectable } from '@nestjs/common';
import type { Account } from '../../../domain/accounts/account.js';
import { PasswordSignIn } from '../../../domain/accounts/password-sign-in.service.js';
import { clientName, type Client } from '../../../domain/clients/client.js';
import { SessionSignIns } from '../../../domain/sessions/session-sign-ins.service.js';
import { FacilitatorTokens } from '../../../domain/tokens/facilitator-tokens.service.js';
import { CLIENT_CREDENTIALS } from '../../../domain/tokens/grants/client-credentials.js';
import { TokenGrants } from '../../../domain/tokens/grants/token-grants.js';
import type { TokenResponse } from '../../../domain/tokens/token-responder.js';
import { Clock } from '../../../platform/clock/clock.js';
import { tooManyRequests, unableToAuthenticateForAction } from './elasticsearch-error.js';
import { Principals, type RealmTokens } from './principals.service.js';
import { ACTIONS } from './routes.js';

/** When every place where passwords are checked is taken. */
const BUSY_RETRY_SECONDS = 2;
/** A repeated refresh gets the same answer for this long (docs/wire/elasticsearch.md#token-repeat). */
const REFRESH_GRACE_MS = 30_000;

/** Tokens for a facilitator without a browser: by a password, by a refresh token, for itself. */
@Injectable()
export class TokenIssuing {
  constructor(
    private readonly passwords: PasswordSignIn,
    private readonly sessions: SessionSignIns,
    private readonly tokens: FacilitatorTokens,
    private readonly grants: TokenGrants,
    private readonly principals: Principals,
    private readonly clock: Clock,
  ) {}

  /**
   * By password, without a browser. Such tokens are not OpenID Connect's: they have no ID token to sign out with.
   * @throws ElasticsearchError when it is wrong, or cannot be checked now
   */
  async byPassword(facilitator: Client, username: string, password: string, address: string): Promise<RealmTokens> {
    const outcome = await this.passwords.signIn(username, password, address);
    if (outcome.kind === 'too_many_attempts') throw tooManyRequests(outcome.retryAfterSeconds);
    if (outcome.kind === 'busy') throw tooManyRequests(BUSY_RETRY_SECONDS);
    const issued = outcome.kind === 'signed_in' ? await this.issue(facilitator, outcome.account, address) : undefined;
    if (issued === undefined) throw unableToAuthenticateForAction(username, ACTIONS.createToken);
    return this.principals.describe(issued);
  }

  /** @throws InvalidGrantError */
  async byRefreshToken(facilitator: Client, refreshToken: string): Promise<RealmTokens> {
    return this.principals.describe(await this.tokens.refresh(facilitator, refreshToken, REFRESH_GRACE_MS));
  }

  /** @throws UnauthorizedClientError */
  forClient(facilitator: Client, address: string): Promise<TokenResponse> {
    return this.grants.issue(CLIENT_CREDENTIALS, facilitator, {}, { address });
  }

  /** Undefined when the account may sign in no more. */
  private async issue(facilitator: Client, account: Account, address: string): Promise<TokenResponse | undefined> {
    const amr = ['pwd'];
    const started = await this.sessions.begin(account, amr, { address, userAgent: clientName(facilitator) });
    if (started === undefined) return undefined;
    const session = { id: started.sessionId, accountId: account.id, authenticatedAt: this.clock.now(), amr };
    return this.tokens.issue(facilitator, session, { scope: ['profile', 'email'], upstream: undefined });
  }
}
