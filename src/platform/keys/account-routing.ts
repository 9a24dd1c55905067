import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { KeysService } from './keys.service.js';
import type { RoutingKey } from './signing-key.js';

const KID_BYTES = 4;
const UUID_BYTES = 16;
/** What one HMAC-SHA-256 masks. */
const MASK_BYTES = 32;

/** An artefact: how many random bytes it has, and how many ids it names. The account's is the first. */
export interface RoutedForm {
  readonly randomBytes: number;
  readonly ids: 1 | 2;
}

/** As {@link KeysService} has them. */
export interface RoutingKeys {
  /** Begins artefacts from now on. */
  readonly routingKey: RoutingKey;
  /** All there are. */
  readonly routingKeys: readonly RoutingKey[];
}

/**
 * Puts the account's id into cookies, session ids, codes and tokens, so that whatever is asked by one of them is asked
 * with the first part of its key; and so that those who hold it learn nothing of the account: two artefacts of one account
 * have nothing in common but the key's id (docs/decisions/0053-keys-that-begin-with-the-person.md).
 *
 * It routes and proves nothing. A forged artefact names a row that is not there, since what is stored is the hash of the
 * whole, or the random part is compared.
 */
@Injectable()
export class AccountRouting {
  constructor(@Inject(KeysService) private readonly keys: RoutingKeys) {}

  /**
   * A new artefact: base64url of the key's id, fresh random bytes, and the ids masked by them.
   *
   * @param ids uuids, as many as the form names
   */
  create(form: RoutedForm, ...ids: readonly string[]): string {
    const { routingKey } = this.keys;
    const nonce = randomBytes(form.randomBytes);
    const plain = Buffer.concat(ids.map(toBytes));
    return Buffer.concat([routingKey.id, nonce, masked(routingKey, nonce, plain)]).toString('base64url');
  }

  /** The ids in an artefact, the account's first; `undefined` when it has not this form or an unknown key. */
  read(form: RoutedForm, artefact: string): readonly string[] | undefined {
    const length = KID_BYTES + form.randomBytes + form.ids * UUID_BYTES;
    if (artefact.length !== Math.ceil((length * 4) / 3)) return undefined;
    const bytes = Buffer.from(artefact, 'base64url');
    if (bytes.length !== length) return undefined;
    const nonce = bytes.subarray(KID_BYTES, KID_BYTES + form.randomBytes);
    const plain = this.unmask(bytes.subarray(0, KID_BYTES), nonce, bytes.subarray(KID_BYTES + form.randomBytes));
    if (plain === undefined) return undefined;
    const ids = [toUuid(plain)];
    if (form.ids === 2) ids.push(toUuid(plain.subarray(UUID_BYTES)));
    return ids;
  }

  /** The id of the key that begins artefacts now: four bytes. */
  get kid(): Buffer {
    return this.keys.routingKey.id;
  }

  /**
   * At most 32 bytes, masked by the key `kid`; the same again unmasks them. A nonce masks one plain text only.
   *
   * @returns `undefined` when there is no such key
   */
  mask(kid: Buffer, nonce: Buffer, plain: Buffer): Buffer | undefined {
    const key = this.find(kid);
    return key === undefined ? undefined : masked(key, nonce, plain);
  }

  /** As {@link mask}. */
  unmask(kid: Buffer, nonce: Buffer, text: Buffer): Buffer | undefined {
    return this.mask(kid, nonce, text);
  }

  /** A tag of 16 bytes over `data` by the key `kid`, for refresh tokens; `undefined` when there is no such key. */
  prove(kid: Buffer, data: Buffer): Buffer | undefined {
    const key = this.find(kid);
    if (key === undefined) return undefined;
    return createHmac('sha256', key.proof).update(data).digest().subarray(0, UUID_BYTES);
  }

  /** Whether `tag` is the one that {@link prove} gives. */
  isProof(kid: Buffer, data: Buffer, tag: Buffer): boolean {
    const expected = this.prove(kid, data);
    return expected !== undefined && expected.length === tag.length && timingSafeEqual(expected, tag);
  }

  private find(kid: Buffer): RoutingKey | undefined {
    return this.keys.routingKeys.find((key) => key.id.equals(kid));
  }
}

/** The sixteen bytes of a uuid. */
export function toBytes(uuid: string): Buffer {
  const bytes = Buffer.from(uuid.replaceAll('-', ''), 'hex');
  if (bytes.length !== UUID_BYTES) throw new Error('not a uuid');
  return bytes;
}

/** The uuid of the first sixteen bytes. */
export function toUuid(bytes: Buffer): string {
  const hex = bytes.toString('hex', 0, UUID_BYTES);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

function masked(key: RoutingKey, nonce: Buffer, plain: Buffer): Buffer {
  if (plain.length > MASK_BYTES) throw new Error('more than one mask can cover');
  const mask = createHmac('sha256', key.mask).update(nonce).digest();
  return Buffer.from(plain.map((byte, at) => byte ^ (mask[at] ?? 0)));
}
