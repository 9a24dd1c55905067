import { createCipheriv, createDecipheriv, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Clock } from '../database/clock.js';
import { KeysService } from './keys.service.js';

const IV_BYTES = 12;
const TAG_BYTES = 16;

/**
 * State that a browser carries for us, and secrets of others that rest with us, encrypted and authenticated, so that
 * neither can be read or forged (abuse case A18). The purpose is bound in: what was sealed for one is nothing to another.
 */
@Injectable()
export class Sealer {
  constructor(
    private readonly keys: KeysService,
    private readonly clock: Clock,
  ) {}

  /** @param ttlMs how long it can be opened; without it as long as the key lives, which is for what we keep ourselves */
  seal(purpose: string, value: object, ttlMs?: number): string {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.keys.sealingKey, iv).setAAD(Buffer.from(purpose));
    const text = JSON.stringify({ ...(ttlMs === undefined ? {} : { until: this.clock.in(ttlMs).getTime() }), value });
    return Buffer.concat([iv, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]).toString('base64url');
  }

  /** What was sealed, or `undefined` when it is not ours, for another purpose, or out of date. */
  open<T>(purpose: string, sealed: string): T | undefined {
    const bytes = Buffer.from(sealed, 'base64url');
    if (bytes.length <= IV_BYTES + TAG_BYTES) return undefined;
    try {
      const decipher = createDecipheriv('aes-256-gcm', this.keys.sealingKey, bytes.subarray(0, IV_BYTES))
        .setAAD(Buffer.from(purpose))
        .setAuthTag(bytes.subarray(-TAG_BYTES));
      const text = Buffer.concat([decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()]).toString(
        'utf8',
      );
      const { until, value } = JSON.parse(text) as { until?: number; value: T };
      return until === undefined || until > this.clock.now().getTime() ? value : undefined;
    } catch {
      // The authentication tag does not fit: forged or for another purpose. Node throws for that; here it is an answer.
      return undefined;
    }
  }

  /** A MAC over `text` for one purpose: CSRF tokens. */
  mac(purpose: string, text: string): string {
    return createHmac('sha256', this.keys.sealingKey).update(`${purpose}\0${text}`).digest('base64url');
  }

  isMac(purpose: string, text: string, mac: string): boolean {
    const expected = Buffer.from(this.mac(purpose, text));
    const actual = Buffer.from(mac);
    return expected.length === actual.length && timingSafeEqual(expected, actual);
  }
}
