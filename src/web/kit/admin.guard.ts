import { createParamDecorator, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { ADMIN_SCOPE } from '../../platform/oidc/claims.js';
import { InvalidTokenError, MissingTokenError } from '../../platform/oidc/errors.js';
import { bearerToken } from './bearer.js';
import type { Actor } from '../../domain/lifecycle/change-record.js';
import { ServerTokens } from '../../domain/tokens/server-tokens.js';

interface OperatorRequest {
  readonly headers: { readonly authorization?: string };
  readonly ip?: string;
  operatorClientId?: string;
}

/** Lets operators in: a client's own live access token with scope `exeunt:admin`. */
@Injectable()
export class AdminGuard implements CanActivate {
  constructor(private readonly tokens: ServerTokens) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<OperatorRequest>();
    const token = bearerToken(request.headers.authorization);
    if (token === undefined) throw new MissingTokenError('An access token with scope exeunt:admin is required.');
    request.operatorClientId = (await this.tokens.verify(token, [ADMIN_SCOPE])).clientId;
    return true;
  }
}

/** The client of the operator that {@link AdminGuard} let in. */
export const OperatorClientId = createParamDecorator((_: unknown, context: ExecutionContext): string =>
  operatorOf(context.switchToHttp().getRequest<OperatorRequest>()),
);

/** The operator that {@link AdminGuard} let in, as the record names them. */
export const Operator = createParamDecorator((_: unknown, context: ExecutionContext): Actor => {
  const request = context.switchToHttp().getRequest<OperatorRequest>();
  return { by: 'operator', clientId: operatorOf(request), address: request.ip ?? '' };
});

function operatorOf({ operatorClientId }: OperatorRequest): string {
  if (operatorClientId === undefined) throw new InvalidTokenError('No operator was let in.');
  return operatorClientId;
}
