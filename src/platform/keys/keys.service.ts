import { createPrivateKey, createPublicKey, createSecretKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { Inject, Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, generateSecret, type JWK } from 'jose';
import { SETTINGS, type Settings } from '../config/settings.js';
import { ChangeFeed } from '../database/change-feed.js';
import { Clock } from '../clock/clock.js';
import { warnOf } from '../database/storage-log.js';
import { TransactionRunner, type Tx } from '../database/transaction.js';
import { ID_TOKEN_ALGORITHMS, type SigningAlgorithm } from '../oidc/algorithms.js';
import { SigningKeyEntity } from './entities/signing-key.entity.js';
import { KeyEncryption } from './key-encryption.js';
import type { SigningKey, SigningKeyInfo } from './signing-key.js';

const DAY = 24 * 60 * 60 * 1000;
/** Relying parties may cache the JWKS; a retired key stays published this long after its last signature. */
const PUBLISHED_AFTER_RETIREMENT = 7 * DAY;
/**
 * Nothing is signed or believed by keys that were read longer ago, whether or not the change feed reported a change.
 */
const MAX_AGE = 30_000;
/** Sooner than that, so that as a rule no request waits for it. */
const RELOAD_INTERVAL = 25_000;
/**
 * A key that was replaced keeps its private half for so long, for nodes whose clocks are behind: to them it still
 * signs. Then it is forgotten. One that others may know is forgotten at once.
 */
const FORGOTTEN_AFTER = 60_000;
/**
 * At least this long between two reloads that an unknown `kid` asks for, so that a caller cannot make us query at will.
 */
const UNKNOWN_KID_FLOOR = 5_000;
const MAINTENANCE_INTERVAL = 60_000;
/** For nodes that do not know of a rotation yet, and for clocks that differ. */
const VALIDITY_MARGIN = 60_000;
const LOCK = 0x65786b65;
/** A new sealing key is known to every node before it seals, by age if not by word. */
const SEALS_AFTER = 2 * MAX_AGE;
/** A replaced sealing key opens for so long what browsers carry; nothing of that lives longer. */
const OPENS_AFTER_RETIREMENT = DAY;
const SEALING = 'A256GCM';

/** Of a key `k`: another one has taken over by now, `$1`. */
const REPLACED = `EXISTS (SELECT 1 FROM signing_keys n WHERE n.alg = k.alg AND n.retired_at IS NULL AND n.active_at <= $1
  AND (n.active_at, n.kid) > (k.active_at, k.kid))`;

interface Loaded {
  readonly keys: readonly SigningKey[];
  readonly byKid: ReadonlyMap<string, SigningKey>;
  readonly sealing: readonly LoadedSealingKey[];
  /** By the process's own, steady clock. */
  readonly at: number;
}

/** A symmetric key whose secret is still there. */
interface LoadedSealingKey {
  readonly key: KeyObject;
  readonly activeAt: Date;
  readonly retiredAt: Date | null;
  readonly unpublishAt: Date | null;
}

/**
 * The signing keys: created at first start, rotated by age and by command, published before they sign and after they
 * stop. A retired key verifies hints for ever, so that a logout weeks later still works
 * (docs/threat-model.md#expired-hint).
 */
@Injectable()
export class KeysService implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(KeysService.name);
  private readonly encryption: KeyEncryption;
  private loaded: Loaded;
  private readonly sealingListeners: (() => Promise<void>)[] = [];
  private reloading: Promise<void> | undefined;
  private readonly timers: NodeJS.Timeout[] = [];
  private jwksJson: { readonly minute: number; readonly loaded: Loaded; readonly json: string } | undefined;

  constructor(
    private readonly transactions: TransactionRunner,
    private readonly clock: Clock,
    private readonly changes: ChangeFeed,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {
    this.encryption = new KeyEncryption(settings.secret, settings.nextSecret);
  }

  async onModuleInit(): Promise<void> {
    await this.transactions.run((tx) => this.maintain(tx));
    await this.reload();
    this.changes.subscribe('keys', () => this.reloadInBackground());
    const maintain = (): void =>
      void this.transactions
        .run((tx) => this.maintain(tx))
        .then(() => this.forgetSealingKeys())
        .catch((error: unknown) => warnOf(this.logger, 'key maintenance failed', error));
    this.timers.push(
      setInterval(maintain, MAINTENANCE_INTERVAL).unref(),
      setInterval(() => this.reloadInBackground(), RELOAD_INTERVAL).unref(),
    );
  }

  onApplicationShutdown(): void {
    for (const timer of this.timers) clearInterval(timer);
  }

  /** The key that signs with this algorithm now. @throws when keys are too old to be believed and cannot be read */
  async signingKey(alg: SigningAlgorithm): Promise<SigningKey> {
    await this.fresh();
    const key = currentKey(this.loaded.keys, alg, this.clock.now());
    if (key === undefined) throw new Error(`there is no active ${alg} signing key`);
    return key;
  }

  /**
   * The key with this id, active or retired. An id that is not known may be another node's newest: looked up, with a
   * floor.
   */
  async verificationKey(kid: string): Promise<SigningKey | undefined> {
    await this.fresh();
    const known = this.loaded.byKid.get(kid);
    if (known !== undefined || this.age < UNKNOWN_KID_FLOOR) return known;
    await this.reload();
    return this.loaded.byKid.get(kid);
  }

  /**
   * Whether a token that grants access may still rely on this key: it signs, or it retired less than `lifetimeMs` ago
   * and is still published. A hint proves nothing, so a retired key verifies hints for ever; but a thief of a key that
   * was therefore rotated immediately must not mint access with it. What is known of the key is at most {@link MAX_AGE}
   * old, also where nothing is ever signed and the change feed is silent.
   *
   * @throws when keys are too old to be believed and cannot be read
   */
  async vouchesForAccess(kid: string, lifetimeMs: number): Promise<boolean> {
    await this.fresh();
    const key = this.loaded.byKid.get(kid);
    const now = this.clock.now();
    if (key === undefined || !isPublished(key, now)) return false;
    return key.retiredAt === null || now.getTime() - key.retiredAt.getTime() <= lifetimeMs;
  }

  /** The symmetric key that seals what browsers carry for us and what rests with us. */
  get sealingKey(): KeyObject {
    const key = this.currentSealingKey();
    if (key === undefined) throw new Error('there is no sealing key');
    return key.key;
  }

  /** Opens, too: the ones before it, and the next one, which may seal already by another node's clock. */
  get olderSealingKeys(): readonly KeyObject[] {
    const current = this.currentSealingKey();
    const now = this.clock.now();
    return this.loaded.sealing.filter((key) => key !== current && isPublished(key, now)).map(({ key }) => key);
  }

  /** Opens stored values until they are sealed again, and nothing that a browser brings. */
  get withdrawnSealingKeys(): readonly KeyObject[] {
    const now = this.clock.now();
    return this.loaded.sealing.filter((key) => !isPublished(key, now)).map(({ key }) => key);
  }

  /** @param listener seals stored values again, by the current key; those before it are forgotten after that */
  whenSealingKeysRetire(listener: () => Promise<void>): void {
    this.sealingListeners.push(listener);
  }

  /** The JWK Set (RFC 7517 §5): what signs, what is about to sign, and what signed until lately. */
  jwks(): string {
    const now = this.clock.now();
    const minute = Math.floor(now.getTime() / 60_000);
    if (this.jwksJson?.minute !== minute || this.jwksJson.loaded !== this.loaded) {
      const keys = this.loaded.keys.filter((key) => isPublished(key, now)).map((key) => key.publicJwk);
      this.jwksJson = { minute, loaded: this.loaded, json: JSON.stringify({ keys }) };
    }
    return this.jwksJson.json;
  }

  /**
   * The public keys that ever signed with `alg`, retired and unpublished ones too: for what must be verifiable long
   * after, and grants nothing. Each with the time in which it signs (`nbf`, and `exp` once it has retired, as OpenID
   * Federation 1.0 §8.7 has it), so that who gets hold of a retired key cannot sign as of today with it.
   */
  everyPublicKey(alg: SigningAlgorithm): readonly Readonly<Record<string, unknown>>[] {
    return this.loaded.keys.filter((key) => key.alg === alg).map((key) => ({ ...key.publicJwk, ...validityOf(key) }));
  }

  list(): SigningKeyInfo[] {
    const now = this.clock.now();
    return this.loaded.keys.map((key) => ({
      kid: key.kid,
      alg: key.alg,
      state: stateOf(key, now),
      createdAt: key.createdAt,
      activeAt: key.activeAt,
      retiredAt: key.retiredAt,
    }));
  }

  /**
   * Makes a new key for each algorithm. It is published now and signs after `KEY_PUBLISH_LEAD_SECONDS`, or at once when
   * `immediately` says so (for a key that may be known to others). The old one retires when the new one signs. A thief
   * who knows it may know the ones that wait to sign, too: at once, every key there is retires. The sealing key goes
   * with them: at once, nothing that a browser carries opens any more, and stored values are sealed again before this
   * returns.
   */
  async rotate(immediately: boolean, alongside: (tx: Tx) => Promise<void> = () => Promise.resolve()): Promise<void> {
    const now = this.clock.now();
    const activeAt = immediately ? now : this.clock.in(this.settings.keyPublishLeadMs);
    await this.transactions.run(async (tx) => {
      await lock(tx);
      if (immediately) await this.retire(tx, 'true', now);
      if (immediately) await this.retireSealingKeys(tx, 'true', now);
      await this.createSealingKey(tx, immediately ? now : this.clock.in(SEALS_AFTER));
      for (const alg of ID_TOKEN_ALGORITHMS) await this.create(tx, alg, activeAt);
      await this.retireReplaced(tx);
      await this.changes.publish(tx, 'keys');
      await alongside(tx);
    });
    await this.reloadAfresh();
    await this.forgetSealingKeys();
  }

  /** Encrypts every key at rest under another secret. Nodes must know it already (`EXEUNT_NEXT_SECRET`). */
  async changeSecret(secret: string): Promise<void> {
    const next = new KeyEncryption(secret);
    await this.transactions.run(async (tx) => {
      await lock(tx);
      for (const { kid, privateJwk } of await tx.manager.find(SigningKeyEntity)) {
        if (privateJwk === null) continue;
        const encrypted = await next.encrypt(await this.encryption.decrypt(privateJwk));
        await tx.manager.update(SigningKeyEntity, { kid }, { privateJwk: encrypted });
      }
      await this.changes.publish(tx, 'keys');
    });
  }

  /** First keys, encryption under a secret that was set later, rotation by age, retirement of what was replaced. */
  private async maintain(tx: Tx): Promise<void> {
    await lock(tx);
    const rows = await tx.manager.find(SigningKeyEntity);
    const now = this.clock.now();
    let changed = false;
    for (const row of rows) {
      if (row.privateJwk === null || !this.encryption.needsEncryption(row.privateJwk)) continue;
      const privateJwk = await this.encryption.encrypt(await this.encryption.decrypt(row.privateJwk));
      await tx.manager.update(SigningKeyEntity, { kid: row.kid }, { privateJwk });
    }
    changed = await this.maintainSealingKeys(tx, rows, now);
    for (const alg of ID_TOKEN_ALGORITHMS) {
      const newest = rows
        .filter((row) => row.alg === alg && row.retiredAt === null)
        .sort((a, b) => b.activeAt.getTime() - a.activeAt.getTime())[0];
      const rotateAt =
        newest === undefined ? now.getTime() : newest.activeAt.getTime() + this.settings.keyRotationDays * DAY;
      if (newest !== undefined && (this.settings.keyRotationDays === 0 || now.getTime() < rotateAt)) continue;
      await this.create(tx, alg, newest === undefined ? now : this.clock.in(this.settings.keyPublishLeadMs));
      changed = true;
    }
    changed = (await this.retireReplaced(tx)) || changed;
    await this.forgetReplaced(tx);
    if (changed) await this.changes.publish(tx, 'keys');
  }

  private async create(tx: Tx, alg: SigningAlgorithm, activeAt: Date): Promise<void> {
    const pair = await generateKeyPair(alg, { extractable: true, ...(alg === 'RS256' ? { modulusLength: 2048 } : {}) });
    const publicJwk = await exportJWK(pair.publicKey);
    const kid = await calculateJwkThumbprint(publicJwk);
    await tx.manager.insert(SigningKeyEntity, {
      kid,
      alg,
      publicJwk: { ...publicJwk, kid, alg, use: 'sig' },
      privateJwk: await this.encryption.encrypt(await exportJWK(pair.privateKey)),
      createdAt: this.clock.now(),
      activeAt,
      retiredAt: null,
      unpublishAt: null,
    });
  }

  /** With the others by age, but without being published first. @returns whether there is a new one or one retired */
  private async maintainSealingKeys(tx: Tx, rows: readonly SigningKeyEntity[], now: Date): Promise<boolean> {
    const created = rows
      .filter((row) => row.alg === SEALING && row.retiredAt === null)
      .map((row) => row.createdAt.getTime());
    const { keyRotationDays, keyPublishLeadMs } = this.settings;
    const isOld = now.getTime() >= Math.max(...created) + keyRotationDays * DAY + keyPublishLeadMs;
    if (created.length === 0) await this.createSealingKey(tx, now);
    else if (keyRotationDays > 0 && isOld) await this.createSealingKey(tx, this.clock.in(SEALS_AFTER));
    else return this.retireSealingKeys(tx, REPLACED, new Date(now.getTime() + OPENS_AFTER_RETIREMENT));
    return true;
  }

  private async retireSealingKeys(tx: Tx, condition: string, unpublishAt: Date): Promise<boolean> {
    const unretired = condition === REPLACED ? 'k.retired_at IS NULL' : 'k.private_jwk IS NOT NULL';
    const rows = (await tx.manager.query(
      `UPDATE signing_keys k SET retired_at = $1, unpublish_at = $2 WHERE k.alg = '${SEALING}' AND ${unretired} AND ${condition}
       RETURNING k.kid`,
      [this.clock.now(), unpublishAt],
    )) as [unknown[], number];
    return rows[1] > 0;
  }

  /** What nothing needs any more is forgotten: it opens nothing from outside, and nothing rests under it. */
  private async forgetSealingKeys(): Promise<void> {
    const due = await this.transactions.reader.query<{ kid: string }[]>(
      `SELECT kid FROM signing_keys WHERE alg = '${SEALING}' AND private_jwk IS NOT NULL AND retired_at IS NOT NULL AND unpublish_at <= $1`,
      [this.clock.now()],
    );
    if (due.length === 0) return;
    await this.reloadAfresh();
    for (const listener of this.sealingListeners) await listener();
    await this.transactions.run(async (tx) => {
      await tx.manager.query('UPDATE signing_keys SET private_jwk = NULL WHERE kid = ANY($1)', [
        due.map(({ kid }) => kid),
      ]);
      await this.changes.publish(tx, 'keys');
    });
    await this.reloadAfresh();
  }

  private currentSealingKey(): LoadedSealingKey | undefined {
    const usable = this.loaded.sealing.filter(({ retiredAt }) => retiredAt === null);
    return newestActive(usable, this.clock.now());
  }

  private async createSealingKey(tx: Tx, activeAt: Date): Promise<void> {
    const jwk: JWK = await exportJWK(await generateSecret('A256GCM', { extractable: true }));
    const now = this.clock.now();
    await tx.manager.insert(SigningKeyEntity, {
      kid: await calculateJwkThumbprint(jwk),
      alg: 'A256GCM',
      publicJwk: null,
      privateJwk: await this.encryption.encrypt(jwk),
      createdAt: now,
      activeAt,
      retiredAt: null,
      unpublishAt: null,
    });
  }

  /** A key whose successor signs is retired, and its private half soon forgotten. Returns whether there was one. */
  private retireReplaced(tx: Tx): Promise<boolean> {
    return this.retire(tx, REPLACED);
  }

  private async retire(tx: Tx, condition: string, unpublishAt?: Date): Promise<boolean> {
    // Withdrawn at once: also what was replaced a moment ago and still has its private half.
    const unretired = `(k.retired_at IS NULL${unpublishAt === undefined ? '' : ' OR k.private_jwk IS NOT NULL'})`;
    const now = this.clock.now();
    const rows = (await tx.manager.query(
      `UPDATE signing_keys k SET retired_at = $1, unpublish_at = $2,
              private_jwk = CASE WHEN $2::timestamptz > $1::timestamptz THEN private_jwk END
        WHERE ${unretired} AND k.alg <> 'A256GCM' AND ${condition} RETURNING k.kid`,
      [now, unpublishAt ?? new Date(now.getTime() + PUBLISHED_AFTER_RETIREMENT)],
    )) as [unknown[], number];
    return rows[1] > 0;
  }

  private async forgetReplaced(tx: Tx): Promise<void> {
    await tx.manager.query(
      `UPDATE signing_keys SET private_jwk = NULL WHERE alg <> 'A256GCM' AND private_jwk IS NOT NULL AND retired_at <= $1`,
      [this.clock.in(-FORGOTTEN_AFTER)],
    );
  }

  /** Steady, so that a clock that is set back does not make old keys young. */
  private get age(): number {
    return performance.now() - this.loaded.at;
  }

  private async fresh(): Promise<void> {
    if (this.age >= MAX_AGE) await this.reload();
  }

  private reloadInBackground(): void {
    this.reloadAfresh().catch((error: unknown) => warnOf(this.logger, 'keys not reloaded', error));
  }

  /** What is being read at this moment may have been read before the change. */
  private async reloadAfresh(): Promise<void> {
    await this.reloading?.catch(() => undefined); // the next one says whether keys can be read
    await this.reload();
  }

  private reload(): Promise<void> {
    this.reloading ??= this.load().finally(() => (this.reloading = undefined));
    return this.reloading;
  }

  private async load(): Promise<void> {
    const at = performance.now();
    const rows = await this.transactions.reader.find(SigningKeyEntity, { order: { createdAt: 'DESC' } });
    const keys: SigningKey[] = [];
    const sealing: LoadedSealingKey[] = [];
    for (const row of rows) {
      const privateJwk = row.privateJwk === null ? undefined : await this.encryption.decrypt(row.privateJwk);
      if (row.alg === SEALING && privateJwk !== undefined)
        sealing.push({ ...row, key: createSecretKey(Buffer.from(String(privateJwk.k), 'base64url')) });
      else if (row.alg !== SEALING) keys.push(toSigningKey(row, privateJwk));
    }
    this.loaded = { keys, byKid: new Map(keys.map((key) => [key.kid, key])), sealing, at };
  }
}

/**
 * The newest key that may sign. Where none may by the own clock, which may be behind that of the node that rotated, it
 * is the one that may soonest: it is published, so verifiers know it.
 */
function currentKey(keys: readonly SigningKey[], alg: SigningAlgorithm, now: Date): SigningKey | undefined {
  const signs = (key: SigningKey): boolean =>
    key.alg === alg && key.privateKey !== undefined && (key.retiredAt === null || key.retiredAt > now);
  return newestActive(keys.filter(signs), now);
}

function newestActive<Key extends { readonly activeAt: Date }>(keys: readonly Key[], now: Date): Key | undefined {
  let current: Key | undefined;
  let next: Key | undefined;
  for (const key of keys) {
    if (key.activeAt <= now && (current === undefined || key.activeAt > current.activeAt)) current = key;
    if (key.activeAt > now && (next === undefined || key.activeAt < next.activeAt)) next = key;
  }
  return current ?? next;
}

/** A key that was withdrawn at once is not, whatever the own clock says. */
function isPublished(key: Pick<SigningKey, 'unpublishAt' | 'retiredAt'>, now: Date): boolean {
  const { unpublishAt, retiredAt } = key;
  return unpublishAt === null || (unpublishAt > now && (retiredAt === null || unpublishAt > retiredAt));
}

/** In seconds. Other nodes learn of a rotation within their cache's age, and their clocks may differ a little. */
function validityOf(key: SigningKey): { readonly nbf: number; readonly exp?: number } {
  const nbf = Math.floor((key.activeAt.getTime() - VALIDITY_MARGIN) / 1000);
  if (key.retiredAt === null) return { nbf };
  return { nbf, exp: Math.ceil((key.retiredAt.getTime() + 2 * VALIDITY_MARGIN) / 1000) };
}

function stateOf(key: SigningKey, now: Date): SigningKeyInfo['state'] {
  if (!isPublished(key, now)) return 'verifying';
  if (key.retiredAt !== null) return 'retired';
  return key.activeAt <= now ? 'active' : 'published';
}

async function lock(tx: Tx): Promise<void> {
  await tx.manager.query('SELECT pg_advisory_xact_lock($1)', [LOCK]);
}

function toSigningKey(row: SigningKeyEntity, privateJwk: Record<string, unknown> | undefined): SigningKey {
  const publicJwk = row.publicJwk ?? {};
  return {
    kid: row.kid,
    alg: row.alg as SigningAlgorithm,
    publicJwk,
    publicKey: createPublicKey({ key: publicJwk as JsonWebKey, format: 'jwk' }),
    privateKey:
      privateJwk === undefined ? undefined : createPrivateKey({ key: privateJwk as JsonWebKey, format: 'jwk' }),
    createdAt: row.createdAt,
    activeAt: row.activeAt,
    retiredAt: row.retiredAt,
    unpublishAt: row.unpublishAt,
  };
}
