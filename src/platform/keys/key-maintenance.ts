import { Inject, Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, generateSecret, type JWK } from 'jose';
import { DAY, HOUR, MINUTE } from '../clock/durations.js';
import { Clock } from '../clock/clock.js';
import { SETTINGS, type Settings } from '../config/settings.js';
import { PeriodicTask } from '../database/periodic-task.js';
import { warnOf } from '../database/storage-log.js';
import { TransactionRunner, type Tx } from '../database/transaction.js';
import { ID_TOKEN_ALGORITHMS, type SigningAlgorithm } from '../oidc/algorithms.js';
import { KeysService, MAX_AGE_MS } from './keys.service.js';
import { ROUTING, SEALING, SigningKeyRepository, type StoredKey } from './signing-key.repository.js';

/** Relying parties may cache the JWKS; a retired key stays published this long after its last signature. */
const PUBLISHED_AFTER_RETIREMENT = 7 * DAY;
/**
 * A key that was replaced keeps its private half for so long, for nodes whose clocks are behind: to them it still signs.
 * Then it is forgotten. One that others may know is forgotten at once.
 */
const FORGOTTEN_AFTER = MINUTE;
const INTERVAL = MINUTE;
/** A new symmetric key is known to every node before it is used, by age if not by word. */
const USED_AFTER = 2 * MAX_AGE_MS;
/**
 * A replaced sealing key opens for so long what browsers carry; nothing of that lives longer. The longest are interactions,
 * which lead on for a day after their hour.
 */
const OPENS_AFTER_RETIREMENT = DAY + 2 * HOUR;

/**
 * Makes keys, retires them and forgets their private halves: at the first start, by age and by command. Of several nodes
 * one does it at a time.
 */
@Injectable()
export class KeyMaintenance implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(KeyMaintenance.name);
  private readonly sealingListeners: (() => Promise<void>)[] = [];
  private readonly task = new PeriodicTask(
    () => this.run(),
    (error) => warnOf(this.logger, 'key maintenance failed', error),
  );

  constructor(
    private readonly transactions: TransactionRunner,
    private readonly repository: SigningKeyRepository,
    private readonly keys: KeysService,
    private readonly clock: Clock,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  async onModuleInit(): Promise<void> {
    await this.transactions.run((tx) => this.maintain(tx));
    await this.keys.reload();
    this.task.start(INTERVAL);
  }

  onApplicationShutdown(): Promise<void> {
    return this.task.stop();
  }

  /** @param listener seals stored values again what rests with us, by the current key; those before it are forgotten after that */
  whenSealingKeysRetire(listener: () => Promise<void>): void {
    this.sealingListeners.push(listener);
  }

  /**
   * Makes a new key for each algorithm. It is published now and signs after `KEY_PUBLISH_LEAD_SECONDS`, or at once when
   * `immediately` says so (for a key that may be known to others). The old one retires when the new one signs. A thief
   * who knows it may know the ones that wait to sign, too: at once, every key there is retires. The sealing key goes
   * with them: at once, nothing that a browser carries opens any more, and stored values are sealed again before this
   * returns. A new routing key begins artefacts after a minute, also at once: those before it mint nothing
   * (docs/decisions/0053-keys-that-begin-with-the-person.md) and stay for what began with them.
   */
  async rotate(immediately: boolean, onChange: (tx: Tx) => Promise<void> = () => Promise.resolve()): Promise<void> {
    const now = this.clock.now();
    const activeAt = immediately ? now : this.clock.in(this.settings.keyPublishLeadMs);
    await this.transactions.run(async (tx) => {
      await this.repository.lock(tx);
      if (immediately) await this.repository.withdrawAll(tx, now);
      await this.createSymmetric(tx, SEALING, immediately ? now : this.clock.in(USED_AFTER));
      await this.createSymmetric(tx, ROUTING, this.clock.in(USED_AFTER));
      for (const alg of ID_TOKEN_ALGORITHMS) await this.create(tx, alg, activeAt);
      await this.retireReplaced(tx);
      await this.repository.publish(tx);
      await onChange(tx);
    });
    await this.keys.reload();
    await this.forgetSealingKeys();
  }

  /** Encrypts every key at rest under another secret. Nodes must know it already (`EXEUNT_NEXT_SECRET`). */
  async changeSecret(secret: string): Promise<void> {
    await this.transactions.run(async (tx) => {
      await this.repository.lock(tx);
      await this.repository.encryptUnder(tx, secret);
      await this.repository.publish(tx);
    });
  }

  /** What nothing needs any more is forgotten: it opens nothing from outside, and nothing rests under it. */
  async forgetSealingKeys(): Promise<void> {
    const unused = await this.repository.findUnusedSealing(this.clock.now());
    if (unused.length === 0) return;
    await this.keys.reload();
    for (const listener of this.sealingListeners) await listener();
    await this.transactions.run(async (tx) => {
      await this.repository.forget(tx, unused);
      await this.repository.publish(tx);
    });
    await this.keys.reload();
  }

  private async run(): Promise<void> {
    await this.transactions.run((tx) => this.maintain(tx));
    await this.forgetSealingKeys();
  }

  /** First keys, encryption under a secret that was set later, rotation by age, retirement of what was replaced. */
  private async maintain(tx: Tx): Promise<void> {
    await this.repository.lock(tx);
    const rows = await this.repository.findAll(tx);
    await this.repository.encryptPlain(tx, rows);
    const changes = [
      await this.maintainSealingKeys(tx, rows),
      await this.ensureRoutingKey(tx, rows),
      await this.maintainSigningKeys(tx, rows),
      await this.retireReplaced(tx),
    ];
    await this.repository.forgetReplaced(tx, this.clock.in(-FORGOTTEN_AFTER));
    if (changes.includes(true)) await this.repository.publish(tx);
  }

  /** @returns whether there is a new one */
  private async maintainSigningKeys(tx: Tx, rows: readonly StoredKey[]): Promise<boolean> {
    const { keyRotationDays, keyPublishLeadMs } = this.settings;
    const now = this.clock.now();
    let made = false;
    for (const alg of ID_TOKEN_ALGORITHMS) {
      const active = rows
        .filter((row) => row.alg === alg && row.retired_at === null)
        .map((row) => row.active_at.getTime());
      const isOld = keyRotationDays > 0 && now.getTime() >= Math.max(...active) + keyRotationDays * DAY;
      if (active.length > 0 && !isOld) continue;
      await this.create(tx, alg, active.length === 0 ? now : this.clock.in(keyPublishLeadMs));
      made = true;
    }
    return made;
  }

  /** With the others by age, but without being published first. @returns whether there is a new one or one retired */
  private async maintainSealingKeys(tx: Tx, rows: readonly StoredKey[]): Promise<boolean> {
    const now = this.clock.now();
    const created = rows
      .filter((row) => row.alg === SEALING && row.retired_at === null)
      .map((row) => row.created_at.getTime());
    const { keyRotationDays, keyPublishLeadMs } = this.settings;
    const isOld = now.getTime() >= Math.max(...created) + keyRotationDays * DAY + keyPublishLeadMs;
    if (created.length === 0) await this.createSymmetric(tx, SEALING, now);
    else if (keyRotationDays > 0 && isOld) await this.createSymmetric(tx, SEALING, this.clock.in(USED_AFTER));
    else return this.repository.retireReplacedSealing(tx, now, this.clock.in(OPENS_AFTER_RETIREMENT));
    return true;
  }

  /** The first one; others come by command only, since each stays. @returns whether it is new */
  private async ensureRoutingKey(tx: Tx, rows: readonly StoredKey[]): Promise<boolean> {
    if (rows.some((row) => row.alg === ROUTING)) return false;
    await this.createSymmetric(tx, ROUTING, this.clock.now());
    return true;
  }

  private retireReplaced(tx: Tx): Promise<boolean> {
    return this.repository.retireReplaced(tx, this.clock.now(), this.clock.in(PUBLISHED_AFTER_RETIREMENT));
  }

  private async create(tx: Tx, alg: SigningAlgorithm, activeAt: Date): Promise<void> {
    const pair = await generateKeyPair(alg, { extractable: true, ...(alg === 'RS256' ? { modulusLength: 2048 } : {}) });
    const publicJwk = await exportJWK(pair.publicKey);
    const kid = await calculateJwkThumbprint(publicJwk);
    await this.repository.insert(tx, {
      kid,
      alg,
      publicJwk: { ...publicJwk, kid, alg, use: 'sig' },
      privateJwk: await exportJWK(pair.privateKey),
      createdAt: this.clock.now(),
      activeAt,
    });
  }

  private async createSymmetric(tx: Tx, alg: typeof SEALING | typeof ROUTING, activeAt: Date): Promise<void> {
    const privateJwk: JWK = await exportJWK(await generateSecret(alg, { extractable: true }));
    await this.repository.insert(tx, {
      kid: await calculateJwkThumbprint(privateJwk),
      alg,
      publicJwk: undefined,
      privateJwk,
      createdAt: this.clock.now(),
      activeAt,
    });
  }
}
