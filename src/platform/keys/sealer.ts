import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  hash,
  randomBytes,
  timingSafeEqual,
  type KeyObject,
} from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '../clock/clock.js';
import { KeysService } from './keys.service.js';

const ID_BYTES = 6;
/** Of the id, as it stands at the beginning of what was sealed: six bytes are eight characters of base64url. */
const ID_LENGTH = 8;
const IV_BYTES = 12;
const TAG_BYTES = 16;

/** The symmetric keys, as {@link KeysService} has them. */
export interface SealingKeys {
  /** Seals from now on. */
  readonly sealingKey: KeyObject;
  /** Opens as well: what browsers carry from before the rotation. */
  readonly olderSealingKeys?: readonly KeyObject[];
  /** Opens stored values, until they are sealed again; nothing that comes from outside. */
  readonly withdrawnSealingKeys?: readonly KeyObject[];
}

/**
 * State that a browser carries for us, and secrets of others that rest with us, encrypted and authenticated, so that
 * neither can be read or forged (docs/threat-model.md#forged-browser-state). The purpose is bound in: what was sealed
 * for one is nothing to another.
 *
 * Several keys may be there; what is sealed begins with the id of its own.
 */
@Injectable()
export class Sealer {
  private readonly ids = new WeakMap<KeyObject, Buffer>();

  constructor(
    @Inject(KeysService) private readonly keys: SealingKeys,
    private readonly clock: Clock,
  ) {}

  /**
   * @param ttlMs how long it can be opened; without it as long as the key lives, which is for what we keep ourselves
   */
  seal(purpose: string, value: object, ttlMs?: number): string {
    const key = this.keys.sealingKey;
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(purpose));
    const text = JSON.stringify({ ...(ttlMs === undefined ? {} : { until: this.clock.in(ttlMs).getTime() }), value });
    return Buffer.concat([
      this.idOf(key),
      iv,
      cipher.update(text, 'utf8'),
      cipher.final(),
      cipher.getAuthTag(),
    ]).toString('base64url');
  }

  /**
   * What was sealed, or `undefined` when it is not ours, for another purpose, under a withdrawn key, or out of date.
   */
  open<T>(purpose: string, sealed: string): T | undefined {
    return this.opened<T>(this.usable, purpose, sealed)?.value;
  }

  /** As {@link open}, for stored values, which nothing outside can have written. */
  openKept<T>(purpose: string, sealed: string): T | undefined {
    return this.opened<T>([...this.usable, ...(this.keys.withdrawnSealingKeys ?? [])], purpose, sealed)?.value;
  }

  /** What every value begins with that is sealed now. */
  get prefix(): string {
    return this.idOf(this.keys.sealingKey).toString('base64url').slice(0, ID_LENGTH);
  }

  /**
   * A MAC over `text` for one purpose, such as CSRF tokens. @param sealed by the key that sealed this, if it can still
   * be opened
   */
  mac(purpose: string, text: string, sealed?: string): string {
    const id = sealed?.slice(0, ID_LENGTH);
    const key = this.usable.find((one) => this.idOf(one).toString('base64url') === id) ?? this.keys.sealingKey;
    return macBy(key, purpose, text);
  }

  isMac(purpose: string, text: string, mac: string): boolean {
    const actual = Buffer.from(mac);
    return this.usable.some((key) => {
      const expected = Buffer.from(macBy(key, purpose, text));
      return expected.length === actual.length && timingSafeEqual(expected, actual);
    });
  }

  private get usable(): readonly KeyObject[] {
    return [this.keys.sealingKey, ...(this.keys.olderSealingKeys ?? [])];
  }

  private opened<T>(keys: readonly KeyObject[], purpose: string, sealed: string): { readonly value: T } | undefined {
    const bytes = Buffer.from(sealed, 'base64url');
    for (const key of keys) {
      // From before keys had ids: the tag says whether it is the right one.
      const body = bytes.subarray(0, ID_BYTES).equals(this.idOf(key)) ? bytes.subarray(ID_BYTES) : bytes;
      const text = decrypted(key, purpose, body);
      if (text === undefined) continue;
      const { until, value } = JSON.parse(text) as { until?: number; value: T };
      return until === undefined || until > this.clock.now().getTime() ? { value } : undefined;
    }
    return undefined;
  }

  private idOf(key: KeyObject): Buffer {
    let id = this.ids.get(key);
    if (id === undefined) {
      id = Buffer.from(hash('sha256', key.export(), 'hex'), 'hex').subarray(0, ID_BYTES);
      this.ids.set(key, id);
    }
    return id;
  }
}

function macBy(key: KeyObject, purpose: string, text: string): string {
  return createHmac('sha256', key).update(`${purpose}\0${text}`).digest('base64url');
}

function decrypted(key: KeyObject, purpose: string, body: Buffer): string | undefined {
  if (body.length <= IV_BYTES + TAG_BYTES) return undefined;
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, body.subarray(0, IV_BYTES))
      .setAAD(Buffer.from(purpose))
      .setAuthTag(body.subarray(-TAG_BYTES));
    return Buffer.concat([decipher.update(body.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()]).toString('utf8');
  } catch {
    // The authentication tag does not fit: forged or for another purpose. Node throws for that; here it is an answer.
    return undefined;
  }
}
