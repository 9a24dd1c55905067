import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { v7 as uuid } from 'uuid';
import { DAY } from '../../platform/clock/durations.js';
import { clientIsToBeRemoved, DELETED_CLIENT_KEPT_MS } from '../clients/clients.sql.js';
import { SETTINGS, type Settings } from '../../platform/config/settings.js';
import { Clock } from '../../platform/clock/clock.js';
import type { Queryable } from '../../platform/database/statement.js';
import type { Tx } from '../../platform/database/transaction.js';
import { Retention } from '../../platform/database/retention.js';
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
export class GrantsService implements OnModuleInit {
  constructor(
    private readonly repository: GrantRepository,
    private readonly clock: Clock,
    private readonly retention: Retention,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  onModuleInit(): void {
    this.retention.register(
      {
        table: 'grants',
        key: 'id',
        condition: clientIsToBeRemoved('client_id', '$1'),
        keepMs: DELETED_CLIENT_KEPT_MS,
        first: true,
      },
      { table: 'authorization_codes', key: 'code_hash', condition: 'expires_at < $1', keepMs: DAY },
      { table: 'refresh_tokens', key: 'token_hash', condition: 'expires_at < $1', keepMs: DAY },
      { table: 'opaque_access_tokens', key: 'token_hash', condition: 'expires_at < $1', keepMs: DAY },
      // For as long as an opaque one is remembered, so that a hint that was revoked does not come back by expiring.
      { table: 'revoked_access_tokens', key: 'jti', condition: 'expires_at < $1', keepMs: DAY },
      // A grant is done with when nothing that hangs on it can be used any more.
      {
        table: 'grants',
        key: 'id',
        condition: `(revoked_at < $1 OR created_at < $1)
          AND NOT EXISTS (SELECT 1 FROM refresh_tokens r WHERE r.grant_id = grants.id)
          AND NOT EXISTS (SELECT 1 FROM authorization_codes c WHERE c.grant_id = grants.id)
          AND NOT EXISTS (SELECT 1 FROM opaque_access_tokens o WHERE o.grant_id = grants.id)`,
        keepMs: 2 * DAY,
      },
    );
  }

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
