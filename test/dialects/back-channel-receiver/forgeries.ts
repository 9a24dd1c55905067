import { createHmac, createPublicKey } from 'node:crypto';
import type { JWK } from 'jose';
import { exportJWK } from 'jose';
import type { SigningKey } from '../../support/stub-upstream.js';

/** A token whose parts are put together by hand, for what no library signs. */
export function assembled(header: object, claims: object, signature = ''): string {
  return `${base64url(header)}.${base64url(claims)}.${signature}`;
}

/**
 * HMAC with the public key for a secret: good to whoever lets the token say how it is verified
 * (docs/threat-model.md#unsigned-tokens).
 */
export function signedByPublicKey(header: object, claims: object, key: SigningKey): string[] {
  const spellings = [JSON.stringify(key.publicJwk), pem(key.publicJwk), String(key.publicJwk.n)];
  const input = `${base64url(header)}.${base64url(claims)}`;
  return spellings.map((secret) => `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`);
}

/** A good signature by this key over any header at all. */
export async function signedBy(key: SigningKey, header: object, claims: object): Promise<string> {
  const pss = 'alg' in header && header.alg === 'PS256';
  const algorithm = { name: pss ? 'RSA-PSS' : 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
  const privateKey = await crypto.subtle.importKey(
    'jwk',
    privateJwk(await exportJWK(key.privateKey)),
    algorithm,
    false,
    ['sign'],
  );
  const input = `${base64url(header)}.${base64url(claims)}`;
  const signature = await crypto.subtle.sign({ ...algorithm, saltLength: 32 }, privateKey, Buffer.from(input));
  return `${input}.${Buffer.from(signature).toString('base64url')}`;
}

function privateJwk({
  kty = 'RSA',
  n = '',
  e = '',
  d = '',
  p = '',
  q = '',
  dp = '',
  dq = '',
  qi = '',
}: JWK): JsonWebKey {
  return { kty, n, e, d, p, q, dp, dq, qi };
}

function pem(jwk: JWK): string {
  return createPublicKey({ key: { ...jwk }, format: 'jwk' })
    .export({ type: 'spki', format: 'pem' })
    .toString();
}

function base64url(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
