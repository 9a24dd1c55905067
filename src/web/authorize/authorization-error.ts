import type { Client } from '../../domain/clients/client.js';
import type { ResponseTarget } from '../../domain/interactions/authorization-request.js';
import type { AuthorizationErrorCode } from '../../platform/oidc/errors.js';

/** The request is wrong, and the client gets the error by redirect (RFC 6749 §4.1.2.1). */
export class AuthorizationError extends Error {
  constructor(
    readonly code: AuthorizationErrorCode,
    readonly description: string,
    readonly client: Client,
    readonly target: ResponseTarget,
  ) {
    super(description);
  }
}

/** Refuses the request that is being read. @throws AuthorizationError */
export type Fail = (code: AuthorizationErrorCode, description: string) => never;
