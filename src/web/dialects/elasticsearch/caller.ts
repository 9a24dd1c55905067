import type { Client } from '../../../domain/clients/client.js';
import type { ActiveAccessToken } from '../../../domain/tokens/access-tokens.service.js';

export type ClientCredentialKind = 'basic' | 'api_key' | 'bearer';

/** Who sent a request: a registered client with a credential of its own, or a person's access token. */
export type Caller =
  | { readonly kind: 'client'; readonly client: Client; readonly by: ClientCredentialKind }
  | { readonly kind: 'person'; readonly token: ActiveAccessToken; readonly login: string };

/** What messages call it. */
export function callerName(caller: Caller): string {
  return caller.kind === 'client' ? caller.client.clientId : caller.login;
}
