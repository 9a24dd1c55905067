import { hash } from 'node:crypto';

/**
 * The left half of a token's hash by the hash function of a signature algorithm: `at_hash` (OpenID Connect Core 1.0
 * §3.1.3.6). EdDSA takes SHA-512, as Ed25519 does.
 */
export function leftHalfHash(alg: string, token: string): string {
  const digest = hash(alg === 'EdDSA' ? 'sha512' : `sha${alg.slice(-3)}`, token, 'buffer');
  return digest.subarray(0, digest.length / 2).toString('base64url');
}
