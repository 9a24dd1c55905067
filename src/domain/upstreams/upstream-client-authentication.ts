import { Injectable } from '@nestjs/common';
import * as oauth from 'oauth4webapi';
import { v7 as uuid } from 'uuid';
import { Clock } from '../../platform/clock/clock.js';
import { JwtSigner } from '../../platform/keys/jwt-signer.js';
import { ID_TOKEN_ALGORITHMS } from '../../platform/oidc/algorithms.js';
import { UpstreamSignInError } from './upstream-errors.js';
import type { Upstream } from './upstream.js';
import { UpstreamsService } from './upstreams.service.js';

const ASSERTION_LIFE_SECONDS = 60;

/** How we prove to an upstream's token endpoint who we are (OpenID Connect Core 1.0 §9). */
@Injectable()
export class UpstreamClientAuthentication {
  constructor(
    private readonly upstreams: UpstreamsService,
    private readonly signer: JwtSigner,
    private readonly clock: Clock,
  ) {}

  /**
   * By the method that was registered for it.
   * @throws UpstreamSignInError when the client secret cannot be opened any more
   */
  async of(upstream: Upstream): Promise<oauth.ClientAuth> {
    switch (upstream.tokenEndpointAuthMethod) {
      case 'none':
        return oauth.None();
      case 'private_key_jwt':
        return (as, client, body) => this.assert(as, client, body);
      case 'client_secret_basic':
      case 'client_secret_post': {
        const secret = await this.upstreams.clientSecret(upstream);
        if (secret === undefined) throw new UpstreamSignInError('the client secret cannot be opened');
        return upstream.tokenEndpointAuthMethod === 'client_secret_basic'
          ? oauth.ClientSecretBasic(secret)
          : oauth.ClientSecretPost(secret);
      }
    }
  }

  /** An assertion by our own signing key (RFC 7523 §2.2); the upstream finds its public part at our `/jwks`. */
  private async assert(as: oauth.AuthorizationServer, client: oauth.Client, body: URLSearchParams): Promise<void> {
    const offered = as.token_endpoint_auth_signing_alg_values_supported;
    const alg = ID_TOKEN_ALGORITHMS.find((name) => offered?.includes(name) ?? true);
    if (alg === undefined) throw new UpstreamSignInError('the upstream takes no algorithm of ours');
    const now = this.clock.seconds();
    const assertion = await this.signer.sign(alg, 'client-authentication+jwt', {
      iss: client.client_id,
      sub: client.client_id,
      aud: as.issuer,
      iat: now,
      exp: now + ASSERTION_LIFE_SECONDS,
      jti: uuid(),
    });
    body.set('client_id', client.client_id);
    body.set('client_assertion_type', 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer');
    body.set('client_assertion', assertion);
  }
}
