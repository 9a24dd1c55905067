import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '../../platform/clock/clock.js';
import { SETTINGS, type Settings } from '../../platform/config/settings.js';
import { SessionRouting } from '../sessions/session-routing.js';
import { RefreshTokenForm, type FirstRefreshToken } from './refresh-token-form.js';
import type { GrantKey } from './token-routing.js';

/** What a grant gets when its code is redeemed and when its refresh token is used. Asks nothing. */
@Injectable()
export class TokenMint {
  constructor(
    private readonly form: RefreshTokenForm,
    private readonly sessions: SessionRouting,
    private readonly clock: Clock,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  firstRefreshToken(key: GrantKey): FirstRefreshToken {
    return this.form.first(key);
  }

  /** Of a refresh token that is issued now. */
  refreshExpiresAt(): Date {
    return this.clock.in(this.settings.refreshTokenTtlSeconds * 1000);
  }

  /** The session as a client is going to know it, should it be its first code there. */
  newSid(accountId: string): string {
    return this.sessions.newSid(accountId);
  }
}
