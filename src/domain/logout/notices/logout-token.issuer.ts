import { Inject, Injectable } from '@nestjs/common';
import type { Client } from '../../clients/client.js';
import { SETTINGS, type Settings } from '../../../platform/config/settings.js';
import { Clock } from '../../../platform/clock/clock.js';
import { newId } from '../../../platform/clock/time-ordered-id.js';
import { JwtSigner } from '../../../platform/keys/jwt-signer.js';
import type { TerminationCause } from '../command/logout.js';

export const BACKCHANNEL_LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout';
/** Back-Channel Logout 1.0 §4 encourages two minutes at most. */
const LIFETIME_SECONDS = 120;

export interface LogoutToken {
  readonly jti: string;
  readonly jwt: string;
}

/**
 * Logout tokens (Back-Channel Logout 1.0 §2.4): a fresh one for each attempt, by the key and algorithm of that client's
 * ID tokens and of no other's (docs/threat-model.md#another-clients-key). `nonce` never; `sid` whenever a session is
 * meant, so that the application's other sessions of the same person stay.
 */
@Injectable()
export class LogoutTokenIssuer {
  constructor(
    private readonly signer: JwtSigner,
    private readonly clock: Clock,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  async issue(
    client: Client,
    about: { readonly sub: string; readonly sid: string | null; readonly cause: TerminationCause },
  ): Promise<LogoutToken> {
    const now = this.clock.seconds();
    const jti = newId();
    const jwt = await this.signer.sign(client.metadata.id_token_signed_response_alg, 'logout+jwt', {
      iss: this.settings.issuer,
      aud: client.clientId,
      iat: now,
      exp: now + LIFETIME_SECONDS,
      jti,
      sub: about.sub,
      ...(about.sid === null ? {} : { sid: about.sid }),
      // Only where it was asked for: why a person was signed out is not every application's business.
      ...(client.metadata.backchannel_logout_reason_required === true ? { reason: about.cause } : {}),
      events: { [BACKCHANNEL_LOGOUT_EVENT]: {} },
    });
    return { jti, jwt };
  }
}
