import {
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  hkdfSync,
  type JsonWebKey,
  type KeyObject,
} from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { SETTINGS, type Settings } from '../config/settings.js';
import { ChangeFeed } from '../database/change-feed.js';
import { anyOf } from '../database/sql-text.js';
import { statement, typed, type RowOf } from '../database/statement.js';
import { TransactionRunner, type Tx } from '../database/transaction.js';
import type { SigningAlgorithm } from '../oidc/algorithms.js';
import { KeyEncryption } from './key-encryption.js';
import type { RoutingKey, SealingKey, SigningKey } from './signing-key.js';

/** What marks the symmetric keys among the others: those that seal, and those that route. */
export const SEALING = 'A256GCM';
export const ROUTING = 'HS256';
/** The keys that come in pairs. */
const SIGNS = `alg NOT IN ('${SEALING}', '${ROUTING}')`;
const ROUTING_ID_BYTES = 4;
const LOCK = 0x65786b65;

/** Of a key `k`: another one has taken over by now. */
const REPLACED = `EXISTS (SELECT 1 FROM signing_keys n WHERE n.alg = k.alg AND n.retired_at IS NULL AND n.active_at <= :now
      AND (n.active_at, n.kid) > (k.active_at, k.kid))`;

type KeyAlgorithm = SigningAlgorithm | typeof SEALING | typeof ROUTING;

const TAKE_TURNS = statement({
  name: 'signing_keys_lock',
  parameters: { lock: 'bigint' },
  row: { pg_advisory_xact_lock: 'void' },
  text: 'SELECT pg_advisory_xact_lock(:lock)',
});

const COLUMNS = {
  kid: 'text',
  alg: typed<KeyAlgorithm>('text'),
  public_jwk: typed<Readonly<Record<string, unknown>>>('jsonb?'),
  private_jwk: 'text?',
  created_at: 'timestamptz',
  active_at: 'timestamptz',
  retired_at: 'timestamptz?',
  unpublish_at: 'timestamptz?',
} as const;

const FIND_ALL = statement({
  name: 'signing_keys_find_all',
  row: COLUMNS,
  text: `
    SELECT kid, alg, public_jwk, private_jwk, created_at, active_at, retired_at, unpublish_at FROM signing_keys
     ORDER BY created_at DESC`,
});

const INSERT = statement({
  name: 'signing_keys_insert',
  parameters: {
    kid: 'text',
    alg: 'text',
    publicJwk: 'jsonb?',
    privateJwk: 'text',
    createdAt: 'timestamptz',
    activeAt: 'timestamptz',
  },
  text: `
    INSERT INTO signing_keys (kid, alg, public_jwk, private_jwk, created_at, active_at)
    VALUES (:kid, :alg, :publicJwk, :privateJwk, :createdAt, :activeAt)`,
});

const ENCRYPT = statement({
  name: 'signing_keys_encrypt',
  ends: true,
  parameters: { kid: 'text', privateJwk: 'text' },
  text: 'UPDATE signing_keys SET private_jwk = :privateJwk WHERE kid = :kid',
});

const RETIRE_REPLACED = statement({
  name: 'signing_keys_retire_replaced',
  ends: true,
  parameters: { now: 'timestamptz', unpublishAt: 'timestamptz' },
  row: { kid: 'text' },
  text: `
    UPDATE signing_keys k SET retired_at = :now, unpublish_at = :unpublishAt
     WHERE k.${SIGNS} AND k.retired_at IS NULL AND ${REPLACED} RETURNING k.kid`,
});

// Also what was replaced a moment ago and still has its private half.
const WITHDRAW = statement({
  name: 'signing_keys_withdraw',
  ends: true,
  parameters: { now: 'timestamptz' },
  text: `
    UPDATE signing_keys SET retired_at = :now, unpublish_at = :now, private_jwk = NULL
     WHERE ${SIGNS} AND (retired_at IS NULL OR private_jwk IS NOT NULL)`,
});

const FORGET_REPLACED = statement({
  name: 'signing_keys_forget_replaced',
  ends: true,
  parameters: { before: 'timestamptz' },
  text: `
    UPDATE signing_keys SET private_jwk = NULL
     WHERE ${SIGNS} AND private_jwk IS NOT NULL AND retired_at <= :before`,
});

const RETIRE_REPLACED_SEALING = statement({
  name: 'sealing_keys_retire_replaced',
  ends: true,
  parameters: { now: 'timestamptz', unpublishAt: 'timestamptz' },
  row: { kid: 'text' },
  text: `
    UPDATE signing_keys k SET retired_at = :now, unpublish_at = :unpublishAt
     WHERE k.alg = '${SEALING}' AND k.retired_at IS NULL AND ${REPLACED} RETURNING k.kid`,
});

const WITHDRAW_SEALING = statement({
  name: 'sealing_keys_withdraw',
  ends: true,
  parameters: { now: 'timestamptz' },
  text: `
    UPDATE signing_keys SET retired_at = :now, unpublish_at = :now WHERE alg = '${SEALING}' AND private_jwk IS NOT NULL`,
});

const FIND_UNUSED_SEALING = statement({
  name: 'sealing_keys_find_unused',
  parameters: { now: 'timestamptz' },
  row: { kid: 'text' },
  text: `
    SELECT kid FROM signing_keys
     WHERE alg = '${SEALING}' AND private_jwk IS NOT NULL AND retired_at IS NOT NULL AND unpublish_at <= :now`,
});

const FORGET = statement({
  name: 'signing_keys_forget',
  ends: true,
  parameters: { kids: 'text[]' },
  text: `UPDATE signing_keys SET private_jwk = NULL WHERE kid = ${anyOf(':kids')}`,
});

/** A key as it rests: its private half is encrypted where `EXEUNT_SECRET` is set. */
export type StoredKey = Readonly<RowOf<typeof COLUMNS>>;

/** The keys, ready for use, by what they are for. */
export interface KeyRing {
  readonly signing: readonly SigningKey[];
  readonly sealing: readonly SealingKey[];
  readonly routing: readonly RoutingKey[];
}

/** A key that was made just now. */
export interface NewKey {
  readonly kid: string;
  readonly alg: KeyAlgorithm;
  /** Undefined for a symmetric key. */
  readonly publicJwk: Readonly<Record<string, unknown>> | undefined;
  readonly privateJwk: object;
  readonly createdAt: Date;
  readonly activeAt: Date;
}

/** The table `signing_keys`. Private halves are encrypted on the way in and decrypted on the way out. */
@Injectable()
export class SigningKeyRepository {
  private readonly encryption: KeyEncryption;

  constructor(
    private readonly transactions: TransactionRunner,
    private readonly changes: ChangeFeed,
    @Inject(SETTINGS) settings: Settings,
  ) {
    this.encryption = new KeyEncryption(settings.secret, settings.nextSecret);
  }

  /** Every node reads the keys again once this transaction has committed. */
  async publish(tx: Tx): Promise<void> {
    await this.changes.publish(tx, 'keys');
  }

  /** One node at a time looks after the keys, until its transaction ends. */
  async lock(tx: Tx): Promise<void> {
    await tx.query(TAKE_TURNS, { lock: LOCK });
  }

  /** Every key there is, retired ones too, the newest first. */
  async findAll(tx?: Tx): Promise<readonly StoredKey[]> {
    return (tx ?? this.transactions).query(FIND_ALL, {});
  }

  /** As {@link findAll}, to be used. @throws WrongSecretError when they rest under another secret */
  async load(): Promise<KeyRing> {
    const signing: SigningKey[] = [];
    const sealing: SealingKey[] = [];
    const routing: RoutingKey[] = [];
    for (const row of await this.findAll()) {
      const privateJwk = row.private_jwk === null ? undefined : await this.encryption.decrypt(row.private_jwk);
      if (row.alg !== SEALING && row.alg !== ROUTING) signing.push(toSigningKey(row, row.alg, privateJwk));
      else if (privateJwk === undefined) continue;
      else if (row.alg === SEALING) sealing.push(toSealingKey(row, privateJwk));
      else routing.push(toRoutingKey(row, privateJwk));
    }
    return { signing, sealing, routing };
  }

  async insert(tx: Tx, key: NewKey): Promise<void> {
    await tx.query(INSERT, {
      ...key,
      privateJwk: await this.encryption.encrypt(key.privateJwk),
    });
  }

  /** Encrypts what was stored before there was a secret. */
  async encryptPlain(tx: Tx, rows: readonly StoredKey[]): Promise<void> {
    for (const { kid, private_jwk: stored } of rows) {
      if (stored === null || !this.encryption.needsEncryption(stored)) continue;
      await this.encrypt(tx, kid, stored, this.encryption);
    }
  }

  /** Encrypts every private half under another secret. @throws WrongSecretError when one rests under neither */
  async encryptUnder(tx: Tx, secret: string): Promise<void> {
    const next = new KeyEncryption(secret);
    for (const { kid, private_jwk: stored } of await this.findAll(tx))
      if (stored !== null) await this.encrypt(tx, kid, stored, next);
  }

  private async encrypt(tx: Tx, kid: string, stored: string, encryption: KeyEncryption): Promise<void> {
    const privateJwk = await encryption.encrypt(await this.encryption.decrypt(stored));
    await tx.query(ENCRYPT, { kid, privateJwk });
  }

  /** A key whose successor signs is retired, and published until `unpublishAt`. Returns whether there was one. */
  async retireReplaced(tx: Tx, now: Date, unpublishAt: Date): Promise<boolean> {
    return (await tx.query(RETIRE_REPLACED, { now, unpublishAt })).length > 0;
  }

  /** As {@link retireReplaced}, of the keys that seal: what one sealed opens until `unpublishAt`. */
  async retireReplacedSealing(tx: Tx, now: Date, unpublishAt: Date): Promise<boolean> {
    return (await tx.query(RETIRE_REPLACED_SEALING, { now, unpublishAt })).length > 0;
  }

  /** No key that there is now signs, is published or opens what a browser brings. */
  async withdrawAll(tx: Tx, now: Date): Promise<void> {
    await tx.query(WITHDRAW, { now });
    await tx.query(WITHDRAW_SEALING, { now });
  }

  /** The private halves of keys that retired before `before` are gone. */
  async forgetReplaced(tx: Tx, before: Date): Promise<void> {
    await tx.query(FORGET_REPLACED, { before });
  }

  /** The keys that sealed and open nothing from outside any more. */
  async findUnusedSealing(now: Date): Promise<readonly string[]> {
    return (await this.transactions.query(FIND_UNUSED_SEALING, { now })).map(({ kid }) => kid);
  }

  async forget(tx: Tx, kids: readonly string[]): Promise<void> {
    await tx.query(FORGET, { kids });
  }
}

function toSigningKey(
  row: StoredKey,
  alg: SigningAlgorithm,
  privateJwk: Record<string, unknown> | undefined,
): SigningKey {
  const publicJwk = row.public_jwk ?? {};
  return {
    kid: row.kid,
    alg,
    publicJwk,
    publicKey: createPublicKey({ key: publicJwk as JsonWebKey, format: 'jwk' }),
    privateKey:
      privateJwk === undefined ? undefined : createPrivateKey({ key: privateJwk as JsonWebKey, format: 'jwk' }),
    createdAt: row.created_at,
    activeAt: row.active_at,
    retiredAt: row.retired_at,
    unpublishAt: row.unpublish_at,
  };
}

function toSealingKey(row: StoredKey, jwk: Record<string, unknown>): SealingKey {
  return {
    key: createSecretKey(bytesOf(jwk)),
    activeAt: row.active_at,
    retiredAt: row.retired_at,
    unpublishAt: row.unpublish_at,
  };
}

function toRoutingKey(row: StoredKey, jwk: Record<string, unknown>): RoutingKey {
  const secret = bytesOf(jwk);
  return {
    id: Buffer.from(row.kid, 'base64url').subarray(0, ROUTING_ID_BYTES),
    mask: subKey(secret, 'exeunt routing'),
    proof: subKey(secret, 'exeunt refresh'),
    activeAt: row.active_at,
  };
}

/** A key for one purpose, so that what is learned of one says nothing of another. */
function subKey(secret: Buffer, purpose: string): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', purpose, 32)));
}

function bytesOf(jwk: Record<string, unknown>): Buffer {
  return Buffer.from(String(jwk.k), 'base64url');
}
