/** What an `Authorization` header brings, before it is checked. */
export type PresentedCredentials =
  | { readonly kind: 'none' }
  | { readonly kind: 'malformed' }
  /** The token is read by `bearerToken()`. */
  | { readonly kind: 'bearer' }
  | {
      readonly kind: 'secret';
      readonly scheme: 'basic' | 'api_key';
      readonly clientId: string;
      readonly secret: string;
    };

/** A scheme that is not known counts as no credentials, as in the original. Schemes have no case (RFC 9110 §11.1). */
export function parseCredentials(authorization: string | undefined): PresentedCredentials {
  const [, scheme = '', value = ''] = /^ *(\S+)(?: +(.*))?$/s.exec(authorization ?? '') ?? [];
  switch (scheme.toLowerCase()) {
    case 'basic':
      return parseSecret('basic', value.trim());
    case 'apikey':
      return parseSecret('api_key', value.trim());
    case 'bearer':
      return { kind: 'bearer' };
    default:
      return { kind: 'none' };
  }
}

function parseSecret(scheme: 'basic' | 'api_key', value: string): PresentedCredentials {
  const text = /^[A-Za-z0-9+/_-]+={0,2}$/.test(value) ? Buffer.from(value, 'base64').toString('utf8') : '';
  const colon = text.indexOf(':');
  if (colon < 1) return { kind: 'malformed' };
  return { kind: 'secret', scheme, clientId: text.slice(0, colon), secret: text.slice(colon + 1) };
}

export { secretReadings } from '../../../domain/clients/proofs/secret-readings.js';
