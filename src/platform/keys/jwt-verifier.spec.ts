import { createHmac, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { SignJWT } from 'jose';
import { JwtSigner } from './jwt-signer.js';
import { JwtVerifier } from './jwt-verifier.js';
import type { KeysService } from './keys.service.js';
import type { SigningKey } from './signing-key.js';
import type { SigningAlgorithm } from '../oidc/algorithms.js';

function aKey(alg: SigningAlgorithm, kid: string = alg): SigningKey {
  const { privateKey, publicKey } =
    alg === 'RS256'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : alg === 'ES256'
        ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
        : generateKeyPairSync('ed25519');
  const at = new Date(0);
  return {
    kid,
    alg,
    publicJwk: {},
    publicKey,
    privateKey,
    createdAt: at,
    activeAt: at,
    retiredAt: null,
    unpublishAt: null,
  };
}

const KEYS = [aKey('RS256'), aKey('ES256'), aKey('EdDSA')];

function keysService(keys: readonly SigningKey[]): KeysService {
  return {
    signingKey: (alg: SigningAlgorithm) => keys.find((key) => key.alg === alg),
    verificationKey: async (kid: string) => keys.find((key) => key.kid === kid),
  } as unknown as KeysService;
}

const signer = new JwtSigner(keysService(KEYS));
const verifier = new JwtVerifier(keysService(KEYS));
const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const privateKeyOf = (alg: SigningAlgorithm): KeyObject => KEYS.find((key) => key.alg === alg)!.privateKey!;

describe('JwtVerifier takes what JwtSigner signed, and nothing else', () => {
  it.each(['RS256', 'ES256', 'EdDSA'] as const)('takes %s', async (alg) => {
    const token = await signer.sign(alg, 'JWT', { sub: 'é' });
    expect(await verifier.verify(token, 'JWT')).toEqual({ claims: { sub: 'é' }, kid: alg });
  });

  it.each([
    ['JWT', 'at+jwt'],
    ['JWT', 'logout+jwt'],
    ['at+jwt', 'JWT'],
    ['logout+jwt', 'JWT'],
    ['logout+jwt', 'at+jwt'],
  ] as const)(
    'token confusion: takes no %s for a %s (threat-model#foreign-hint, threat-model#token-confusion)',
    async (signedAs, askedAs) => {
      expect(await verifier.verify(await signer.sign('ES256', signedAs, { sub: 'a' }), askedAs)).toBeUndefined();
    },
  );

  it('refuses alg none, with and without a signature (threat-model#unsigned-tokens)', async () => {
    const [, payload, signature] = (await signer.sign('RS256', 'JWT', { sub: 'a' })).split('.');
    for (const alg of ['none', 'None', 'NONE']) {
      const header = encode({ alg, typ: 'JWT', kid: 'RS256' });
      expect(await verifier.verify(`${header}.${payload}.`, 'JWT')).toBeUndefined();
      expect(await verifier.verify(`${header}.${payload}.${signature}`, 'JWT')).toBeUndefined();
    }
  });

  it('refuses HS256 with the public key as its secret (threat-model#unsigned-tokens)', async () => {
    const { publicKey } = KEYS[0]!;
    for (const secret of [
      publicKey.export({ type: 'spki', format: 'pem' }),
      publicKey.export({ type: 'spki', format: 'der' }),
    ]) {
      const input = `${encode({ alg: 'HS256', typ: 'JWT', kid: 'RS256' })}.${encode({ sub: 'a' })}`;
      const signature = createHmac('sha256', secret).update(input).digest('base64url');
      expect(await verifier.verify(`${input}.${signature}`, 'JWT')).toBeUndefined();
    }
  });

  it('refuses an algorithm that is not the key’s own', async () => {
    const token = await new SignJWT({ sub: 'a' })
      .setProtectedHeader({ alg: 'PS256', typ: 'JWT', kid: 'RS256' })
      .sign(privateKeyOf('RS256'));
    expect(await verifier.verify(token, 'JWT')).toBeUndefined();
  });

  it('refuses a stranger’s key under our kid, an unknown kid and none', async () => {
    const strangers = new JwtSigner(keysService([aKey('ES256')]));
    expect(await verifier.verify(await strangers.sign('ES256', 'JWT', { sub: 'a' }), 'JWT')).toBeUndefined();
    for (const kid of ['unknown', undefined]) {
      const header = { alg: 'ES256', typ: 'JWT', ...(kid === undefined ? {} : { kid }) };
      const token = await new SignJWT({ sub: 'a' }).setProtectedHeader(header).sign(privateKeyOf('ES256'));
      expect(await verifier.verify(token, 'JWT')).toBeUndefined();
    }
  });

  it('refuses a key that the token brings along', async () => {
    const own = aKey('ES256', 'own');
    const token = await new SignJWT({ sub: 'a' })
      .setProtectedHeader({
        alg: 'ES256',
        typ: 'JWT',
        kid: 'own',
        jwk: own.publicKey.export({ format: 'jwk' }),
      })
      .sign(own.privateKey!);
    expect(await verifier.verify(token, 'JWT')).toBeUndefined();
  });

  it('refuses a header that says something critical which we do not understand (RFC 7515 §4.1.11)', async () => {
    const token = await new SignJWT({ sub: 'a' })
      .setProtectedHeader({ alg: 'ES256', typ: 'JWT', kid: 'ES256', crit: ['x'], x: 1 })
      .sign(privateKeyOf('ES256'), { crit: { x: true } });
    expect(await verifier.verify(token, 'JWT')).toBeUndefined();
  });

  it.each([
    '',
    '.',
    '..',
    'a.b.c',
    '{}',
    'a'.repeat(20_000),
    `${encode({ alg: 'ES256', typ: 'JWT', kid: 'ES256' })}..`,
    '\0.\0.\0',
  ])('refuses %j', async (token) => {
    expect(await verifier.verify(token, 'JWT')).toBeUndefined();
  });

  it('refuses a changed payload and a payload that is no object', async () => {
    const [header, , signature] = (await signer.sign('ES256', 'JWT', { sub: 'a' })).split('.');
    expect(await verifier.verify(`${header}.${encode({ sub: 'b' })}.${signature}`, 'JWT')).toBeUndefined();
    expect(await verifier.verify(await signer.sign('ES256', 'JWT', ['a']), 'JWT')).toBeUndefined();
  });

  it('lets a failure to read the keys through, so that it is not taken for a bad token', async () => {
    const failing = { verificationKey: () => Promise.reject(new Error('storage is away')) } as unknown as KeysService;
    await expect(new JwtVerifier(failing).verify(await signer.sign('ES256', 'JWT', {}), 'JWT')).rejects.toThrow(
      'storage is away',
    );
  });
});
