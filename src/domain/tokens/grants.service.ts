import { Inject, Injectable } from '@nestjs/common';
import { SETTINGS, type Settings } from '../../platform/config/settings.js';
import { Clock } from '../../platform/clock/clock.js';
import { newId } from '../../platform/clock/time-ordered-id.js';
import type { AuditedRow } from '../../platform/audit/audit.sql.js';
import type { ClaimsParameter } from '../../platform/oidc/claims.js';
import { sha256 } from '../../platform/oidc/secret.js';
import type { ConsentAsked } from '../consents/consents.sql.js';
import type { InteractionRow } from '../interactions/interactions.sql.js';
import type { CreatedWithin } from '../sessions/session-begin.sql.js';
import type { PreparedSession } from '../sessions/session-sign-ins.service.js';
import {
  GrantCreationRepository,
  type AnsweredByCode,
  type CreatedGrant,
  type NewGrant,
} from './grant-creation.repository.js';
import { GrantRepository } from './grant.repository.js';
import { NO_ACCOUNT, TokenRouting } from './token-routing.js';

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
  /** What the person must have allowed before; undefined: it need not be asked. */
  readonly consent?: ConsentAsked | undefined;
  /** The pushed request that the code answers, and uses up; undefined: there is none. */
  readonly pushedHash?: Buffer | undefined;
}

/** A code, or why there is none: then nothing was written. */
export type Authorization =
  { readonly kind: 'code'; readonly code: string } | { readonly kind: Exclude<CreatedGrant, 'created'> };

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
    private readonly creation: GrantCreationRepository,
    private readonly routing: TokenRouting,
    private readonly clock: Clock,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /** The account of a grant that an operator names by its id; the nil uuid where there is no such grant. */
  async accountOf(grantId: string): Promise<string> {
    return (await this.repository.accountOf(grantId)) ?? NO_ACCOUNT;
  }

  /**
   * Records the grant and returns a code for it.
   * @param answering the interaction that the code answers, in the same statement
   */
  async authorize(
    request: AuthorizedRequest,
    session: AuthenticatedSession,
    answering?: AnsweredByCode,
  ): Promise<Authorization> {
    const { code, grant } = this.grantFor(request, session);
    return authorizationOf(code, await this.creation.createWithCode(grant, answering));
  }

  /**
   * As {@link authorize}, for a session that begins by the same statement within the interaction that the code answers.
   * @returns what came of the session, and where it was created of the grant
   */
  async authorizeBeginning(
    request: AuthorizedRequest,
    { session, signIn }: PreparedSession,
    interaction: InteractionRow,
    record: AuditedRow,
  ): Promise<{ readonly created: CreatedWithin; readonly authorization: Authorization }> {
    const { code, grant } = this.grantFor(request, session);
    const began = await this.creation.beginSessionWithCode(signIn, interaction, record, grant);
    return { created: began.session, authorization: authorizationOf(code, began.grant) };
  }

  private grantFor(
    request: AuthorizedRequest,
    session: AuthenticatedSession,
  ): { readonly code: string; readonly grant: NewGrant } {
    const id = newId();
    const code = this.routing.newCode({ accountId: session.accountId, grantId: id });
    const { codeTtlSeconds, refreshTokenTtlSeconds } = this.settings;
    const grant = {
      id,
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
      codeExpiresAt: this.clock.in(codeTtlSeconds * 1000),
      lastExpiresAt: this.clock.in((codeTtlSeconds + refreshTokenTtlSeconds) * 1000),
      consent: request.consent,
      pushedHash: request.pushedHash,
    };
    return { code, grant };
  }
}

function authorizationOf(code: string, created: CreatedGrant): Authorization {
  return created === 'created' ? { kind: 'code', code } : { kind: created };
}
