import { Injectable } from '@nestjs/common';
import type { Client } from '../clients/client.js';
import type { Tx } from '../../platform/database/transaction.js';
import { AccessTokenReader } from './access-token-reader.js';
import { AccessTokensService } from './access-tokens.service.js';
import { AccessTokenRepository, type DeniableToken } from './access-token.repository.js';
import type { Grant } from './grant.js';
import { IssuedTokenRepository } from './issued-token.repository.js';
import { PresentedTokens } from './presented-tokens.js';
import { RefreshTokenRepository, type RefreshTokenState } from './refresh-token.repository.js';

export type { DeniableToken };

/** An access token that we issued to the client who asks, dead or alive. */
export interface IssuedAccessToken extends DeniableToken {
  /** Good now on every count. */
  readonly alive: boolean;
  /** Undefined: the client's own token, which stands for no person. */
  readonly grant: Grant | undefined;
}

/** A refresh token that we issued to the client who asks, dead or alive. */
export interface IssuedRefreshToken {
  readonly alive: boolean;
  readonly grant: Grant;
}

/** How many tokens died by it, and how many were dead before. Both 0: there is no such token. */
export interface Invalidation {
  readonly invalidated: number;
  readonly previously: number;
}

const UNKNOWN: Invalidation = { invalidated: 0, previously: 0 };
const DONE: Invalidation = { invalidated: 1, previously: 0 };
const DEAD: Invalidation = { invalidated: 0, previously: 1 };

/**
 * Tokens looked up and invalidated one by one, for surfaces that tell apart what `/introspect` and `/revoke` do not: dead
 * and unknown, one token and its grant. Only ever the tokens of the client who asks.
 */
@Injectable()
export class IssuedTokensService {
  constructor(
    private readonly presented: PresentedTokens,
    private readonly reader: AccessTokenReader,
    private readonly accessTokens: AccessTokensService,
    private readonly refreshTokens: RefreshTokenRepository,
    private readonly denials: AccessTokenRepository,
    private readonly repository: IssuedTokenRepository,
  ) {}

  async findAccessToken(client: Client, token: string): Promise<IssuedAccessToken | undefined> {
    const identified = await this.presented.identify(token);
    if (identified.kind === 'access_token')
      return this.repository.opaque(identified.accountId, identified.hash, client.clientId);
    return identified.kind === 'jwt' ? this.findJwt(client, identified.jwt) : undefined;
  }

  async findRefreshToken(client: Client, token: string): Promise<IssuedRefreshToken | undefined> {
    const state = await this.refreshTokenState(token);
    if (state?.grant.clientId !== client.clientId) return undefined;
    return { alive: state.isGood, grant: state.grant };
  }

  /** Says no more of another client's token than that it is one. */
  async isRefreshTokenOfAnotherClient(client: Client, token: string): Promise<boolean> {
    const state = await this.refreshTokenState(token);
    return state !== undefined && state.grant.clientId !== client.clientId;
  }

  /** One that was found alive, as part of a transaction where there is one. */
  async revokeAccessToken(token: DeniableToken, tx?: Tx): Promise<void> {
    await this.denials.deny(token, tx);
  }

  /** This one alone: the refresh token beside it stays. */
  async invalidateAccessToken(client: Client, token: string): Promise<Invalidation> {
    const issued = await this.findAccessToken(client, token);
    if (issued === undefined) return UNKNOWN;
    return issued.alive && (await this.denials.deny(issued)) ? DONE : DEAD;
  }

  /** This one alone: the access token beside it stays until it expires. */
  async invalidateRefreshToken(client: Client, token: string): Promise<Invalidation> {
    const presented = await this.presented.refreshToken(token);
    if (presented === undefined) return UNKNOWN;
    if (await this.refreshTokens.invalidate(presented, client.clientId)) return DONE;
    return (await this.refreshTokens.state(presented))?.grant.clientId === client.clientId ? DEAD : UNKNOWN;
  }

  /** Every pair of this client, of one upstream, one person, or both; each pair counts two. */
  async invalidateAll(
    client: Client,
    filter: { readonly upstream?: { readonly name: string | null }; readonly username?: string },
  ): Promise<Invalidation> {
    const pairs = await this.repository.invalidateAll(client.clientId, {
      ...(filter.upstream === undefined ? {} : { upstream: filter.upstream }),
      ...(filter.username === undefined ? {} : { login: filter.username }),
    });
    return { invalidated: pairs * 2, previously: 0 };
  }

  /**
   * Part of a logout that names tokens: the access token dies, and with a refresh token its grant does, even one with
   * offline access. Without one the grant ends as everything does that hangs on the session.
   */
  async releaseForLogout(tx: Tx, access: IssuedAccessToken, refresh: IssuedRefreshToken | undefined): Promise<void> {
    if (access.alive) await this.denials.deny(access, tx);
    if (refresh === undefined) return;
    const { accountId, id: grantId } = refresh.grant;
    await this.repository.revokeGrant(tx, { accountId, grantId });
  }

  private async findJwt(client: Client, token: string): Promise<IssuedAccessToken | undefined> {
    const read = await this.reader.read(token);
    if (read?.claims.client_id !== client.clientId) return undefined;
    const { accountId, claims, grant } = read;
    const expiresAt = new Date(claims.exp * 1000);
    if (grant === undefined) {
      const active = await this.accessTokens.findActiveJwt(token);
      return { accountId, jti: claims.jti, expiresAt, alive: active !== undefined, grant: undefined };
    }
    const issued = await this.repository.ofGrant(grant, claims.jti, expiresAt);
    const denied = await this.reader.wasDeniedBefore(read);
    return issued === undefined ? undefined : { ...issued, alive: issued.alive && !denied };
  }

  private async refreshTokenState(token: string): Promise<RefreshTokenState | undefined> {
    const presented = await this.presented.refreshToken(token);
    return presented === undefined ? undefined : this.refreshTokens.state(presented);
  }
}
