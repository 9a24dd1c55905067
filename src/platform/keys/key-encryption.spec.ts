import { KeyEncryption } from './key-encryption.js';

const JWK = { kty: 'EC', d: 'a-private-number' };
const SECRET = 'a secret of at least thirty-two characters';

describe('KeyEncryption', () => {
  it('gives back what it encrypted, and shows nothing of it', async () => {
    const encryption = new KeyEncryption(SECRET);
    const stored = await encryption.encrypt(JWK);
    expect(stored).not.toContain(JWK.d);
    expect(stored).not.toContain(Buffer.from(JWK.d).toString('base64url'));
    expect(await encryption.encrypt(JWK)).not.toBe(stored);
    expect(await new KeyEncryption(SECRET).decrypt(stored)).toEqual(JWK);
  });

  it('refuses another secret, no secret, and a value that was changed', async () => {
    const stored = await new KeyEncryption(SECRET).encrypt(JWK);
    await expect(new KeyEncryption(`${SECRET}!`).decrypt(stored)).rejects.toThrow(/EXEUNT_SECRET/);
    await expect(new KeyEncryption(undefined).decrypt(stored)).rejects.toThrow(/EXEUNT_SECRET/);
    await expect(new KeyEncryption(SECRET).decrypt(stored.replace(/.{4}$/, 'AAAA'))).rejects.toThrow(/EXEUNT_SECRET/);
  });

  it('reads what was stored in plain before there was a secret, and says that it should be encrypted', async () => {
    const stored = await new KeyEncryption(undefined).encrypt(JWK);
    const encryption = new KeyEncryption(SECRET);
    expect(await encryption.decrypt(stored)).toEqual(JWK);
    expect(encryption.needsEncryption(stored)).toBe(true);
    expect(encryption.needsEncryption(await encryption.encrypt(JWK))).toBe(false);
    expect(new KeyEncryption(undefined).needsEncryption(stored)).toBe(false);
  });
});
