import { createParamDecorator, Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { SETTINGS, type Settings } from '../config/settings.js';
import { ADMIN_SCOPE } from '../oidc/claims.js';
import { InsufficientScopeError, InvalidTokenError, MissingTokenError } from '../oidc/errors.js';
import { AccessTokensService } from '../tokens/access-tokens.service.js';
import { bearerToken } from '../http/bearer.js';
import type { Actor } from './change-record.js';

interface OperatorRequest {
  readonly headers: { readonly authorization?: string };
  readonly ip?: string;
  operatorClientId?: string;
}

/** Lets operators in: a live access token with scope `exeunt:admin`. One round trip, so a revoked token is refused at once. */
@Injectable()
export class AdminGuard implements CanActivate {
  constructor(
    private readonly accessTokens: AccessTokensService,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<OperatorRequest>();
    const token = bearerToken(request.headers.authorization);
    if (token === undefined) throw new MissingTokenError('An access token with scope exeunt:admin is required.');
    const active = await this.accessTokens.findActive(token);
    if (active === undefined) throw new InvalidTokenError('The access token is unknown, expired or revoked.');
    // A token for another resource is not meant for us, whatever its scope (RFC 9068 §4).
    if (!active.audience.includes(this.settings.issuer))
      throw new InvalidTokenError('The access token is not meant for this API.');
    if (!active.scope.includes(ADMIN_SCOPE))
      throw new InsufficientScopeError('The access token was not issued for exeunt:admin.', ADMIN_SCOPE);
    request.operatorClientId = active.clientId;
    return true;
  }
}

/** The client of the operator whom {@link AdminGuard} let in. */
export const OperatorClientId = createParamDecorator((_: unknown, context: ExecutionContext): string =>
  operatorOf(context.switchToHttp().getRequest<OperatorRequest>()),
);

/** The operator whom {@link AdminGuard} let in, as the record names them. */
export const Operator = createParamDecorator((_: unknown, context: ExecutionContext): Actor => {
  const request = context.switchToHttp().getRequest<OperatorRequest>();
  return { by: 'operator', clientId: operatorOf(request), address: request.ip ?? '' };
});

function operatorOf({ operatorClientId }: OperatorRequest): string {
  if (operatorClientId === undefined) throw new InvalidTokenError('No operator was let in.');
  return operatorClientId;
}
