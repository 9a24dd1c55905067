import { isServerScope } from '../../platform/oidc/claims.js';
import { isAllowedRedirectUri } from '../../platform/oidc/redirect-uri.js';
import { registeredScope, type Client } from '../clients/client.js';
import type { AuthorizationRequest } from './authorization-request.js';
import { UnanswerableRequestError } from './interaction-errors.js';

/** Of the scopes asked for, those that a person can grant to this client. */
export function grantableScope(client: Client, scope: readonly string[]): readonly string[] {
  const registered = registeredScope(client);
  return scope.filter((value) => registered.includes(value) && !isServerScope(value));
}

/**
 * The request as it may be answered today. A person may think for an hour before they answer, and what the client was
 * registered for when it asked may have been taken from it meanwhile.
 * @throws UnanswerableRequestError when it may not be answered at all; no browser is sent to a URI that was removed
 */
export function asOfToday(client: Client, request: AuthorizationRequest): AuthorizationRequest {
  const { metadata } = client;
  if (!isAllowedRedirectUri(metadata.redirect_uris, request.redirectUri, metadata))
    throw new UnanswerableRequestError('The address to return to is no longer registered for the application.', client);
  if (!metadata.grant_types.includes('authorization_code'))
    throw new UnanswerableRequestError('The application that sent you here does not sign people in any more.', client);
  if (metadata.token_endpoint_auth_method === 'none' && request.codeChallenge === undefined)
    throw new UnanswerableRequestError('The application has changed. Go back to it and sign in once more.', client);
  return { ...request, scope: grantableScope(client, request.scope) };
}
