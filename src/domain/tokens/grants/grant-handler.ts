import type { Type } from '@nestjs/common';
import type { Client } from '../../clients/client.js';
import type { RegistrableGrant } from '../../clients/offered-grants.js';
import type { TokenResponse } from '../token-responder.js';

/** Of a token request, what is about neither the client nor the grant. */
export interface TokenRequest {
  /** Where it comes from. */
  readonly address: string;
}

/**
 * A grant type: all that discovery, registration, the OpenAPI document and the token endpoint know of it.
 *
 * @typeParam P its parameters
 */
export interface GrantType<P extends object = object> extends RegistrableGrant {
  /**
   * Its form parameters, each a `@FormParameter()`. A name that several grant types read is checked by all of them, so it
   * is declared alike.
   */
  readonly parameters: Type<P>;
  readonly handler: Type<GrantHandler<P>>;
}

/**
 * Issues tokens for one grant type. The client has authenticated and is registered for it, and the parameters are checked:
 * that is the token endpoint's.
 */
export abstract class GrantHandler<P extends object = object> {
  /**
   * @throws InvalidGrantError, InvalidScopeError (RFC 6749 §5.2)
   */
  abstract handle(client: Client, parameters: P, request: TokenRequest): Promise<TokenResponse>;
}
