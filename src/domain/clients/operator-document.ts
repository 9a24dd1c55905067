import { InvalidClientMetadataError, InvalidRequestError } from '../../platform/oidc/errors.js';
import type { ClientDocument } from './client.js';

/**
 * A client id that an operator chose. Never one that could be taken for a person's `sub` (RFC 9700 §4.15).
 * @throws InvalidClientMetadataError
 */
export function chosenClientId(document: ClientDocument): string | undefined {
  const clientId = document?.client_id;
  if (clientId === undefined || clientId === null) return undefined;
  if (typeof clientId !== 'string' || !/^[A-Za-z0-9._~-]{3,100}$/.test(clientId) || /^[0-9a-f-]{36}$/i.test(clientId)) {
    throw new InvalidClientMetadataError('client_id must be 3 to 100 characters of A-Z a-z 0-9 . _ ~ - and no UUID.');
  }
  return clientId;
}

/**
 * A secret that an operator brings, for an application that has one built in. Generated ones have 43 characters.
 * @throws InvalidClientMetadataError
 */
export function chosenSecret(document: ClientDocument): string | undefined {
  const secret = document?.client_secret ?? undefined;
  if (secret === undefined) return undefined;
  // RFC 6749 Appendix A.2: what a secret may consist of.
  if (typeof secret !== 'string' || !/^[\x20-\x7e]{16,255}$/.test(secret))
    throw new InvalidClientMetadataError('client_secret must be 16 to 255 printable ASCII characters.');
  return secret;
}

/** Whether the back channel is to be tried at once. @throws InvalidClientMetadataError */
export function asksForCheck(document: ClientDocument): boolean {
  const wanted = document?.logout_check ?? false;
  if (typeof wanted !== 'boolean') throw new InvalidClientMetadataError('logout_check must be a boolean.');
  return wanted;
}

/** @throws InvalidRequestError when it names another client */
export function checkSameClientId(clientId: string, document: ClientDocument): void {
  if (document?.client_id !== undefined && document.client_id !== clientId)
    throw new InvalidRequestError('client_id cannot be changed.');
}
