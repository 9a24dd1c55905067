import { Inject, Injectable } from '@nestjs/common';
import { v7 as uuid } from 'uuid';
import { SETTINGS, type Settings } from '../../platform/config/settings.js';
import { Clock } from '../../platform/clock/clock.js';
import type { Queryable } from '../../platform/database/statement.js';
import type { Tx } from '../../platform/database/transaction.js';
import type { ClaimsParameter } from '../../platform/oidc/claims.js';
import { newSecret, sha256 } from '../../platform/oidc/secret.js';
import { GrantRepository } from './grant.repository.js';

/** What a person allowed, as the authorization endpoint knows it. */
export interface AuthorizedRequest {
  readonly clientId: string;
  readonly redirectUri: string | undefined;
  /** By which registered URI the code goes out; undefined: only to the caller. */
  readonly registeredUri?: string | undefined;
  readonly scope: readonly string[];
  readonly claims: ClaimsParameter | undefined;
  readonly nonce: string | undefined;
  readonly codeChallenge: string | undefined;
  readonly offline: boolean;
  readonly upstream?: string | undefined;
}

export interface AuthenticatedSession {
  readonly id: string;
  readonly accountId: string;
  readonly authenticatedAt: Date;
  readonly amr: readonly string[];
}

/** Makes grants. They are revoked by `/revoke` and, for every other cause, by `LogoutService`. */
@Injectable()
export class GrantsService {
  constructor(
    private readonly repository: GrantRepository,
    private readonly clock: Clock,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /**
   * Part of a change of a client: these scopes are gone from all that it was ever granted, also should the client be
   * registered for them again.
   */
  async narrow(tx: Tx, clientId: string, scope: readonly string[]): Promise<void> {
    if (scope.length > 0) await this.repository.narrow(tx, clientId, scope);
  }

  /** Records the grant and returns a code for it. Undefined when the session ended meanwhile. */
  async authorize(
    request: AuthorizedRequest,
    session: AuthenticatedSession,
    db?: Queryable,
  ): Promise<string | undefined> {
    const code = newSecret();
    const grant = {
      id: uuid(),
      accountId: session.accountId,
      clientId: request.clientId,
      sessionId: session.id,
      offline: request.offline,
      scope: request.scope.join(' '),
      claims: request.claims,
      authenticatedAt: session.authenticatedAt,
      amr: session.amr,
      upstream: request.upstream ?? null,
      codeHash: sha256(code),
      redirectUri: request.redirectUri,
      registeredUri: request.registeredUri,
      codeChallenge: request.codeChallenge,
      nonce: request.nonce,
      codeExpiresAt: this.clock.in(this.settings.codeTtlSeconds * 1000),
    };
    return (await this.repository.createWithCode(grant, db)) ? code : undefined;
  }
}
