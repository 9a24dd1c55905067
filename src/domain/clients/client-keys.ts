/** What we take for an RSA key: smaller ones are weak, and larger ones, or ones with a huge exponent, cost us. */
const RSA_BITS = { min: 2048, max: 4096 };
const LARGEST_EXPONENT = 2n ** 32n;

/**
 * Why a public key of a client is not used, or undefined when it is. Every assertion is checked with it, also a forged
 * one, and its owner chose what that costs. Asked when keys are registered and again when they are used: those of a
 * `jwks_uri` come when they like, and others are stored from before.
 */
export function publicKeyProblem(key: unknown): string | undefined {
  if (typeof key !== 'object' || key === null || Array.isArray(key)) return 'must be an object';
  const { kty, n, e } = key as Readonly<Record<string, unknown>>;
  if (typeof kty !== 'string' || kty === 'oct' || 'd' in key || 'k' in key) return 'must be a public key';
  if (kty !== 'RSA') return undefined;
  const modulus = unsigned(n);
  const exponent = unsigned(e);
  if (modulus === undefined || exponent === undefined) return 'must have n and e as RSA keys have';
  const bits = modulus.toString(2).length;
  if (bits < RSA_BITS.min || bits > RSA_BITS.max) return `must have ${RSA_BITS.min} to ${RSA_BITS.max} bits`;
  if (exponent < 3n || exponent > LARGEST_EXPONENT || exponent % 2n === 0n)
    return 'must have an odd exponent from 3 to 2^32';
  return undefined;
}

/** The keys of a set that are used. */
export function usableKeys<Key>(keys: readonly Key[]): readonly Key[] {
  return keys.filter((key) => publicKeyProblem(key) === undefined);
}

/** Base64urlUInt (RFC 7518 §2). Of any length: a number of too many bits is refused by its bits. */
function unsigned(value: unknown): bigint | undefined {
  if (typeof value !== 'string' || value.length > 4096 || !/^[A-Za-z0-9_-]+$/.test(value)) return undefined;
  const hex = Buffer.from(value, 'base64url').toString('hex');
  return hex === '' ? undefined : BigInt(`0x${hex}`);
}
