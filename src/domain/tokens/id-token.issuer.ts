import { Inject, Injectable } from '@nestjs/common';
import type { Client } from '../clients/client.js';
import { SETTINGS, type Settings } from '../../platform/config/settings.js';
import { Clock } from '../../platform/clock/clock.js';
import { JwtSigner } from '../../platform/keys/jwt-signer.js';
import { acrOf } from '../../platform/oidc/authentication-context.js';
import { leftHalfHash } from '../../platform/oidc/token-hash.js';
import type { Grant } from './grant.js';
import { idTokenClaims } from './person-claims.js';

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

  /** @param about the person, and the scope of the access token that comes with it; left out: nothing is said of them */
  issue(
    client: Client,
    grant: Grant,
    token: {
      readonly nonce?: string | undefined;
      readonly accessToken?: string | undefined;
      readonly about?: { readonly accountClaims: Readonly<Record<string, unknown>>; readonly scope: readonly string[] };
    },
  ): Promise<string> {
    const alg = client.metadata.id_token_signed_response_alg;
    const now = this.clock.seconds();
    const { about } = token;
    const mode = client.metadata.id_token_claims ?? this.settings.idTokenClaims;
    return this.signer.sign(alg, 'JWT', {
      ...(about === undefined
        ? {}
        : idTokenClaims(mode === 'scope' ? about.scope : [], { grant, accountClaims: about.accountClaims })),
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
