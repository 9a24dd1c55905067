import { Inject, Injectable } from '@nestjs/common';
import type { Client } from '../clients/client.js';
import { SETTINGS, type Settings } from '../config/settings.js';
import { Clock } from '../database/clock.js';
import { JwtSigner } from '../keys/jwt-signer.js';
import { acrOf } from '../oidc/authentication-context.js';
import { selectClaims } from '../oidc/claims.js';
import { leftHalfHash } from '../oidc/token-hash.js';
import type { Grant } from './grant.js';

/** Claims that say what the token is; nothing about a person may take their place. */
const PROTOCOL_CLAIMS = new Set([
  'iss',
  'sub',
  'aud',
  'exp',
  'iat',
  'auth_time',
  'acr',
  'amr',
  'nonce',
  'sid',
  'at_hash',
]);

/**
 * ID tokens (OpenID Connect Core 1.0 §2), signed as the client registered. `sid` is always there: it is what lets the
 * application find its session when a logout token comes (Back-Channel Logout 1.0 §2.1).
 */
@Injectable()
export class IdTokenIssuer {
  constructor(
    private readonly signer: JwtSigner,
    private readonly clock: Clock,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  issue(
    client: Client,
    grant: Grant,
    accountClaims: Readonly<Record<string, unknown>>,
    token: { readonly nonce?: string | undefined; readonly accessToken?: string | undefined },
  ): Promise<string> {
    const alg = client.metadata.id_token_signed_response_alg;
    const now = this.clock.seconds();
    const names = Object.keys(grant.claims?.id_token ?? {}).filter((name) => !PROTOCOL_CLAIMS.has(name));
    return this.signer.sign(alg, 'JWT', {
      ...selectClaims(accountClaims, names),
      iss: this.settings.issuer,
      sub: grant.accountId,
      aud: grant.clientId,
      exp: now + this.settings.idTokenTtlSeconds,
      iat: now,
      // Of the original authentication, also after a refresh (Core §12.2).
      auth_time: Math.floor(grant.authenticatedAt.getTime() / 1000),
      acr: acrOf(grant.amr),
      amr: grant.amr,
      ...(token.nonce === undefined ? {} : { nonce: token.nonce }),
      ...(grant.sid === null ? {} : { sid: grant.sid }),
      ...(token.accessToken === undefined ? {} : { at_hash: leftHalfHash(alg, token.accessToken) }),
    });
  }
}
