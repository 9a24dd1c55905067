import { hash, randomBytes, timingSafeEqual } from 'node:crypto';

/** A fresh secret of 256 bits: client secrets, codes, refresh tokens, cookies. */
export function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** What is stored of a secret. One pass of SHA-256 is enough for 256 random bits; a slow hash is for passwords. */
export function sha256(secret: string): Buffer {
  return hash('sha256', secret, 'buffer');
}

/** Constant-time comparison of a presented secret with a stored hash. */
export function matchesHash(secret: string, stored: Buffer | null): boolean {
  const presented = sha256(secret);
  return stored !== null && stored.length === presented.length && timingSafeEqual(presented, stored);
}
