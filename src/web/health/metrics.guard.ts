import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { SETTINGS, type Settings } from '../../platform/config/settings.js';
import { bearerToken } from '../kit/bearer.js';
import { InvalidTokenError, MissingTokenError } from '../../platform/oidc/errors.js';
import { matchesHash, sha256 } from '../../platform/oidc/secret.js';

interface MetricsRequest {
  readonly headers: { readonly authorization?: string };
}

/** Lets in who has the metrics token. Without one in the settings everybody is let in: the network is the guard then. */
@Injectable()
export class MetricsGuard implements CanActivate {
  private readonly tokenHash: Buffer | undefined;

  constructor(@Inject(SETTINGS) settings: Settings) {
    this.tokenHash = settings.metricsToken === undefined ? undefined : sha256(settings.metricsToken);
  }

  /** @throws MissingTokenError, InvalidTokenError (RFC 6750 §3) */
  canActivate(context: ExecutionContext): boolean {
    if (this.tokenHash === undefined) return true;
    const token = bearerToken(context.switchToHttp().getRequest<MetricsRequest>().headers.authorization);
    if (token === undefined) throw new MissingTokenError('The metrics token is required.');
    if (!matchesHash(token, this.tokenHash)) throw new InvalidTokenError('This is not the metrics token.');
    return true;
  }
}
