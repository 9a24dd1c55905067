import { createSecretKey, randomBytes, randomUUID } from 'node:crypto';
import { AccountRouting, toBytes, toUuid } from './account-routing.js';
import type { RoutingKey } from './signing-key.js';

const COOKIE = { randomBytes: 24, ids: 1 } as const;
const SID = { randomBytes: 16, ids: 1 } as const;
const CODE = { randomBytes: 24, ids: 2 } as const;
const ACCOUNT = randomUUID();

function aKey(): RoutingKey {
  return {
    id: randomBytes(4),
    mask: createSecretKey(randomBytes(32)),
    proof: createSecretKey(randomBytes(32)),
    activeAt: new Date(0),
  };
}

const KEY = aKey();
const routing = new AccountRouting({ routingKey: KEY, routingKeys: [KEY] });

/** The longest run of bytes that both have, wherever it stands. */
function longestShared(a: Buffer, b: Buffer): number {
  let longest = 0;
  for (let at = 0; at < a.length; at += 1)
    while (at + longest < a.length && b.includes(a.subarray(at, at + longest + 1))) longest += 1;
  return longest;
}

describe('AccountRouting (threat-model#account-in-artefacts: what others hold names the account to nobody but us)', () => {
  it.each([
    ['a cookie', COOKIE, 44],
    ['a sid', SID, 36],
  ] as const)('reads the account of %s', (_what, form, bytes) => {
    const artefact = routing.create(form, ACCOUNT);
    expect(Buffer.from(artefact, 'base64url')).toHaveLength(bytes);
    expect(routing.read(form, artefact)).toEqual([ACCOUNT]);
  });

  it('reads account and grant of a code', () => {
    const grant = randomUUID();
    const code = routing.create(CODE, ACCOUNT, grant);
    expect(Buffer.from(code, 'base64url')).toHaveLength(60);
    expect(routing.read(CODE, code)).toEqual([ACCOUNT, grant]);
  });

  it('shows nothing of the account', () => {
    for (let turn = 0; turn < 200; turn += 1) {
      const artefact = Buffer.from(routing.create(COOKIE, ACCOUNT), 'base64url');
      expect(longestShared(artefact, toBytes(ACCOUNT))).toBeLessThan(4);
    }
  });

  it('two artefacts of one account have the key’s id in common and nothing else, as those of two accounts', () => {
    const forms = [COOKIE, SID, COOKIE, SID] as const;
    const made = forms.map((form) => Buffer.from(routing.create(form, ACCOUNT), 'base64url').subarray(4));
    const shared = made.flatMap((a, at) => made.slice(at + 1).map((b) => longestShared(a, b)));
    expect(Math.max(...shared)).toBeLessThan(4);
  });

  it('a changed bit is another artefact: it never names the same account with the same random bytes', () => {
    const bytes = Buffer.from(routing.create(SID, ACCOUNT), 'base64url');
    for (let at = 0; at < bytes.length; at += 1) {
      const forged = Buffer.from(bytes);
      forged[at] = forged[at]! ^ 1;
      expect(routing.read(SID, forged.toString('base64url'))).not.toEqual([ACCOUNT]);
    }
  });

  it('an unknown key names no account', () => {
    const other = aKey();
    const elsewhere = new AccountRouting({ routingKey: other, routingKeys: [other] });
    expect(elsewhere.read(SID, routing.create(SID, ACCOUNT))).toBeUndefined();
    expect(elsewhere.mask(KEY.id, randomBytes(16), toBytes(ACCOUNT))).toBeUndefined();
    expect(elsewhere.prove(KEY.id, Buffer.from('a'))).toBeUndefined();
  });

  it.each(['', 'x', 'not base64 at all !', 'A'.repeat(43), 'A'.repeat(58), 'A'.repeat(60), 'é'.repeat(59)])(
    'no account is in %j',
    (artefact) => {
      expect(routing.read(COOKIE, artefact)).toBeUndefined();
    },
  );

  it('one form is not taken for another', () => {
    expect(routing.read(SID, routing.create(COOKIE, ACCOUNT))).toBeUndefined();
    expect(routing.read(COOKIE, routing.create(SID, ACCOUNT))).toBeUndefined();
    expect(routing.read(COOKIE, routing.create(CODE, ACCOUNT, ACCOUNT))).toBeUndefined();
  });

  it('after a rotation new artefacts begin with the new key, and old ones are still read', () => {
    const newer = aKey();
    const rotated = new AccountRouting({ routingKey: newer, routingKeys: [newer, KEY] });
    const [before, after] = [routing.create(SID, ACCOUNT), rotated.create(SID, ACCOUNT)];
    expect(Buffer.from(after, 'base64url').subarray(0, 4)).toEqual(newer.id);
    expect(rotated.read(SID, before)).toEqual([ACCOUNT]);
    expect(rotated.read(SID, after)).toEqual([ACCOUNT]);
    expect(rotated.kid).toEqual(newer.id);
  });

  it('a proof is good for its key and its data, and for no other', () => {
    const newer = aKey();
    const rotated = new AccountRouting({ routingKey: newer, routingKeys: [newer, KEY] });
    const data = Buffer.from('R, account, grant, generation');
    const tag = routing.prove(KEY.id, data)!;
    expect(tag).toHaveLength(16);
    expect(rotated.isProof(KEY.id, data, tag)).toBe(true);
    expect(rotated.isProof(newer.id, data, tag)).toBe(false);
    expect(rotated.isProof(KEY.id, Buffer.from('another generation'), tag)).toBe(false);
    expect(rotated.isProof(KEY.id, data, tag.subarray(0, 15))).toBe(false);
    expect(rotated.isProof(KEY.id, data, Buffer.alloc(0))).toBe(false);
  });

  it('masks at most 32 bytes', () => {
    expect(() => routing.mask(KEY.id, randomBytes(16), Buffer.alloc(33))).toThrow('mask');
    expect(() => routing.create(COOKIE, 'not-a-uuid')).toThrow('uuid');
    expect(toUuid(toBytes(ACCOUNT))).toBe(ACCOUNT);
  });
});
