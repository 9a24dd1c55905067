import { hkdfSync } from 'node:crypto';
import { CompactEncrypt, compactDecrypt } from 'jose';

/** Keys that rest under another `EXEUNT_SECRET` than the one that is set. The message is for an operator. */
export class WrongSecretError extends Error {
  override readonly name = 'WrongSecretError';
}

/** Private keys at rest: a compact JWE under a key derived from `EXEUNT_SECRET`, or plain JSON where none is set. */
export class KeyEncryption {
  private readonly key: Uint8Array | undefined;
  private readonly nextKey: Uint8Array | undefined;

  /** @param nextSecret what stored keys may be under as well, while the secret is being changed */
  constructor(secret: string | undefined, nextSecret?: string) {
    this.key = derived(secret);
    this.nextKey = derived(nextSecret);
  }

  async encrypt(jwk: object): Promise<string> {
    const json = JSON.stringify(jwk);
    if (this.key === undefined) return json;
    return new CompactEncrypt(new TextEncoder().encode(json))
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
      .encrypt(this.key);
  }

  /** @throws when the stored key was encrypted under another `EXEUNT_SECRET`. */
  async decrypt(stored: string): Promise<Record<string, unknown>> {
    if (stored.startsWith('{')) return JSON.parse(stored) as Record<string, unknown>;
    if (this.key === undefined)
      throw new WrongSecretError(
        'The signing keys are encrypted: set EXEUNT_SECRET to the secret they were stored under.',
      );
    try {
      const { plaintext } = await compactDecrypt(stored, this.key).catch((error: unknown) => {
        if (this.nextKey === undefined) throw error;
        return compactDecrypt(stored, this.nextKey);
      });
      return JSON.parse(new TextDecoder().decode(plaintext)) as Record<string, unknown>;
    } catch (cause) {
      throw new WrongSecretError(
        'The signing keys cannot be decrypted: EXEUNT_SECRET is not the secret they were stored under.',
        { cause },
      );
    }
  }

  /** Whether a value stored before `EXEUNT_SECRET` was set should be encrypted now. */
  needsEncryption(stored: string): boolean {
    return this.key !== undefined && stored.startsWith('{');
  }
}

function derived(secret: string | undefined): Uint8Array | undefined {
  if (secret === undefined) return undefined;
  return new Uint8Array(hkdfSync('sha256', secret, '', 'exeunt signing keys at rest', 32));
}
