import { matchesHash, newSecret, sha256 } from './secret.js';

describe('secrets', () => {
  it('are 256 random bits, safe in URLs', () => {
    const secrets = Array.from({ length: 100 }, newSecret);
    expect(new Set(secrets).size).toBe(100);
    for (const secret of secrets) expect(secret).toMatch(/^[\w-]{43}$/);
  });

  it('match their own hash and no other', () => {
    const secret = newSecret();
    expect(matchesHash(secret, sha256(secret))).toBe(true);
    expect(matchesHash(`${secret} `, sha256(secret))).toBe(false);
    expect(matchesHash('', sha256(secret))).toBe(false);
  });

  it('match nothing where no hash is stored, or half of one', () => {
    expect(matchesHash('', null)).toBe(false);
    expect(matchesHash('', Buffer.alloc(0))).toBe(false);
    expect(matchesHash('a', sha256('a').subarray(0, 16))).toBe(false);
  });
});
