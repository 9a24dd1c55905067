import type { KeyObject } from 'node:crypto';
import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { ChangeFeed } from '../database/change-feed.js';
import { RefreshingCache } from '../cache/refreshing-cache.js';
import { Clock } from '../clock/clock.js';
import { MINUTE, SECOND } from '../clock/durations.js';
import { PeriodicTask } from '../database/periodic-task.js';
import { warnOf } from '../database/storage-log.js';
import type { SigningAlgorithm } from '../oidc/algorithms.js';
import { SigningKeyRepository } from './signing-key.repository.js';
import {
  currentKey,
  isPublished,
  newestActive,
  stateOf,
  validityOf,
  type RoutingKey,
  type SealingKey,
  type SigningKey,
  type SigningKeyInfo,
} from './signing-key.js';

/** Nothing is signed or believed by keys that were read longer ago, whether or not the change feed reported a change. */
export const MAX_AGE_MS = 30 * SECOND;
/**
 * Nothing is sealed and opened by keys that were read longer ago. More than the above, since who seals cannot wait for
 * them: they are read again meanwhile.
 */
const SEALS_UNTIL_MS = 2 * MAX_AGE_MS;
/** Sooner than that, so that as a rule no request waits for it. */
const RELOAD_INTERVAL = 25 * SECOND;
/**
 * At least this long between two reloads that an unknown `kid` asks for, so that a caller cannot make us query at will.
 */
const UNKNOWN_KID_FLOOR = 5 * SECOND;

/** Keys could not be read again. To an edge it is as if storage could not be reached, which is the reason. */
export class StaleKeysError extends Error {
  readonly code = 'ETIMEDOUT';

  constructor() {
    super('the keys were read too long ago to be believed');
    this.name = 'StaleKeysError';
  }
}

interface Loaded {
  readonly keys: readonly SigningKey[];
  readonly byKid: ReadonlyMap<string, SigningKey>;
  readonly sealing: readonly SealingKey[];
  readonly routing: readonly RoutingKey[];
}

/**
 * The keys in memory: what signs, verifies and seals now. {@link KeyMaintenance} makes them. They are published before
 * they sign and after they stop. A retired key verifies hints for ever, so that a logout weeks later still works
 * (docs/threat-model.md#expired-hint).
 */
@Injectable()
export class KeysService implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(KeysService.name);
  private readonly cache: RefreshingCache<void, Loaded>;
  private readonly task = new PeriodicTask(
    () => this.reload(),
    (error) => warnOf(this.logger, 'keys not reloaded', error),
  );
  private jwksJson: { readonly minute: number; readonly loaded: Loaded; readonly json: string } | undefined;

  constructor(
    private readonly repository: SigningKeyRepository,
    private readonly changes: ChangeFeed,
    private readonly clock: Clock,
  ) {
    this.cache = new RefreshingCache(() => this.load(), clock, {
      nameOf: () => 'all',
      maxAgeMs: MAX_AGE_MS,
      refreshFloorMs: UNKNOWN_KID_FLOOR,
    });
  }

  onModuleInit(): void {
    this.changes.subscribe('keys', () => this.inBackground(this.reload()));
    this.task.start(RELOAD_INTERVAL);
  }

  onApplicationShutdown(): Promise<void> {
    return this.task.stop();
  }

  /** The key that signs with this algorithm now. @throws when keys are too old to be believed and cannot be read */
  async signingKey(alg: SigningAlgorithm): Promise<SigningKey> {
    const { keys } = await this.cache.get();
    const key = currentKey(keys, alg, this.clock.now());
    if (key === undefined) throw new Error(`there is no active ${alg} signing key`);
    return key;
  }

  /**
   * The key with this id, active or retired. An id that is not known may be another node's newest: looked up, with a
   * floor.
   */
  async verificationKey(kid: string): Promise<SigningKey | undefined> {
    const { byKid } = await this.cache.get();
    return byKid.get(kid) ?? (await this.cache.refresh()).byKid.get(kid);
  }

  /**
   * Whether a token that grants access may still rely on this key: it signs, or it retired less than `lifetimeMs` ago
   * and is still published. A hint proves nothing, so a retired key verifies hints for ever; but a thief of a key that
   * was therefore rotated immediately must not mint access with it. What is known of the key is at most {@link MAX_AGE_MS}
   * old, also where nothing is ever signed and the change feed is silent.
   *
   * @throws when keys are too old to be believed and cannot be read
   */
  async vouchesForAccess(kid: string, lifetimeMs: number): Promise<boolean> {
    const key = (await this.cache.get()).byKid.get(kid);
    const now = this.clock.now();
    if (key === undefined || !isPublished(key, now)) return false;
    return key.retiredAt === null || now.getTime() - key.retiredAt.getTime() <= lifetimeMs;
  }

  /** The symmetric key that seals what browsers carry for us and what rests with us. @throws StaleKeysError */
  get sealingKey(): KeyObject {
    const key = this.currentSealingKey();
    if (key === undefined) throw new Error('there is no sealing key');
    return key.key;
  }

  /** Opens, too: the ones before it, and the next one, which may seal already by another node's clock. */
  get olderSealingKeys(): readonly KeyObject[] {
    const current = this.currentSealingKey();
    const now = this.clock.now();
    return this.believed.sealing.filter((key) => key !== current && isPublished(key, now)).map(({ key }) => key);
  }

  /** Opens stored values until they are sealed again, and nothing that a browser brings. */
  get withdrawnSealingKeys(): readonly KeyObject[] {
    const now = this.clock.now();
    return this.believed.sealing.filter((key) => !isPublished(key, now)).map(({ key }) => key);
  }

  /** The symmetric key that begins artefacts now ({@link AccountRouting}). */
  get routingKey(): RoutingKey {
    const key = newestActive(this.loaded.routing, this.clock.now());
    if (key === undefined) throw new Error('there is no routing key');
    return key;
  }

  /** Every one there is: an artefact lives on by the key that it began with. */
  get routingKeys(): readonly RoutingKey[] {
    return this.loaded.routing;
  }

  /**
   * The JWK Set (RFC 7517 §5): what signs, what is about to sign, and what signed until lately. Also while storage is
   * away: what is signed already can be verified then.
   */
  jwks(): string {
    const now = this.clock.now();
    const minute = Math.floor(now.getTime() / MINUTE);
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

  /** What is being read at this moment may have been read before the change: it is read once more. */
  async reload(): Promise<void> {
    await this.cache.renew();
  }

  private currentSealingKey(): SealingKey | undefined {
    const usable = this.believed.sealing.filter(({ retiredAt }) => retiredAt === null);
    return newestActive(usable, this.clock.now());
  }

  /** What there is, for those who cannot wait. @throws StaleKeysError */
  private get believed(): Loaded {
    const { loaded } = this;
    const { ageMs } = this.cache.peek() ?? { ageMs: Infinity };
    if (ageMs > MAX_AGE_MS) this.inBackground(this.cache.get());
    if (ageMs > SEALS_UNTIL_MS) throw new StaleKeysError();
    return loaded;
  }

  /** What there is, however old: what is shown, and keys that mask and are never withdrawn. */
  private get loaded(): Loaded {
    const held = this.cache.peek();
    if (held === undefined) throw new Error('the keys are not read yet');
    return held.value;
  }

  private inBackground(reading: Promise<unknown>): void {
    reading.catch((error: unknown) => warnOf(this.logger, 'keys not reloaded', error));
  }

  private async load(): Promise<Loaded> {
    const { signing, sealing, routing } = await this.repository.load();
    return { keys: signing, byKid: new Map(signing.map((key) => [key.kid, key])), sealing, routing };
  }
}
