import { UnauthorizedClientError, UnsupportedGrantTypeError } from '../../../platform/oidc/errors.js';
import type { Client } from '../../clients/client.js';
import type { TokenResponse } from '../token-responder.js';
import type { GrantHandler, GrantType, TokenRequest } from './grant-handler.js';
import { OfferedGrantTypes } from './offered-grant-types.js';

/** The grant types of the token endpoint, with what handles them here. */
export class TokenGrants {
  /** @param handlers in the order of the grant types */
  constructor(
    private readonly types: OfferedGrantTypes,
    private readonly handlers: readonly GrantHandler[],
  ) {}

  /** @throws UnsupportedGrantTypeError */
  named(name: string): GrantType {
    const type = this.types.find(name);
    if (type === undefined)
      throw new UnsupportedGrantTypeError(`grant_type must be ${alternatives(this.types.names)}.`);
    return type;
  }

  /**
   * Tokens for a client that has authenticated.
   * @throws UnauthorizedClientError where it is not registered for the grant type
   * @throws what the grant type says
   */
  async issue<P extends object>(
    type: GrantType<P>,
    client: Client,
    parameters: P,
    request: TokenRequest,
  ): Promise<TokenResponse> {
    const handler = this.handlers[this.types.list.indexOf(type)];
    if (handler === undefined) throw new UnsupportedGrantTypeError(`${type.name} is not offered.`);
    if (!client.metadata.grant_types.includes(type.name))
      throw new UnauthorizedClientError(`This client is not registered for ${type.name}.`);
    return handler.handle(client, parameters, request);
  }
}

/** `a, b or c` */
function alternatives(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;
}
