import { hash, randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { AccountRouting, toBytes, toUuid } from '../../platform/keys/account-routing.js';
import type { GrantKey } from './token-routing.js';

const KID = 4;
const ROOT = 16;
const IDS = 32;
const GENERATION = 4;
const PROOF = 16;
const LENGTH = KID + ROOT + IDS + GENERATION + PROOF;

/** The text of a refresh token, and of one of before (43 characters). */
export const REFRESH_TOKEN_TEXT = /^(?:[A-Za-z0-9_-]{96}|[A-Za-z0-9_-]{43})$/;

/** A refresh token that was made here, as it says of itself. Whether it is good its grant says. */
export interface PresentedRefreshToken extends GrantKey {
  /** Of the random part. Null: it is of before, and its grant has none of another kind. */
  readonly rootHash: Buffer | null;
  readonly generation: number;
  /** The text of the next generation. */
  readonly successor: string;
  /** When it was used, where its grant does not say so. */
  readonly usedAt?: Date;
}

/** A grant's first refresh token, and what is stored of it. */
export interface FirstRefreshToken {
  readonly token: string;
  readonly rootHash: Buffer;
}

/**
 * What refresh tokens look like: the id of a key, sixteen random bytes that all tokens of a grant have, account and grant
 * masked by these, the generation, and a proof over all of it (docs/decisions/0054-refresh-by-generation.md).
 *
 * Of the random bytes only the hash is stored, so that storage, even with its keys, gives no token. The proof is checked
 * without storage: one that was made up is of no grant, whatever its generation.
 */
@Injectable()
export class RefreshTokenForm {
  constructor(private readonly routing: AccountRouting) {}

  /** @param root sixteen bytes; without it fresh ones */
  first(key: GrantKey, root: Buffer = randomBytes(ROOT)): FirstRefreshToken {
    return { token: this.write(this.routing.kid, root, key, 0), rootHash: rootHashOf(root) };
  }

  /** `forged`: it has the form, and was not made here. Undefined: it has another form. */
  read(token: string): PresentedRefreshToken | 'forged' | undefined {
    if (token.length !== (LENGTH * 4) / 3) return undefined;
    const bytes = Buffer.from(token, 'base64url');
    if (bytes.length !== LENGTH) return undefined;
    const kid = bytes.subarray(0, KID);
    const root = bytes.subarray(KID, KID + ROOT);
    const ids = this.routing.unmask(kid, root, bytes.subarray(KID + ROOT, KID + ROOT + IDS));
    if (ids === undefined) return undefined;
    const generation = bytes.readUInt32BE(KID + ROOT + IDS);
    if (!this.routing.isProof(kid, proven(root, ids, generation), bytes.subarray(-PROOF))) return 'forged';
    const key = { accountId: toUuid(ids), grantId: toUuid(ids.subarray(IDS / 2)) };
    return {
      ...key,
      rootHash: rootHashOf(root),
      generation,
      successor: this.write(kid, root, key, generation + 1),
    };
  }

  private write(kid: Buffer, root: Buffer, { accountId, grantId }: GrantKey, generation: number): string {
    const ids = Buffer.concat([toBytes(accountId), toBytes(grantId)]);
    const masked = this.routing.mask(kid, root, ids);
    const proof = this.routing.prove(kid, proven(root, ids, generation));
    if (masked === undefined || proof === undefined) throw new Error('the routing key is not there');
    return Buffer.concat([kid, root, masked, uint32(generation), proof]).toString('base64url');
  }
}

function rootHashOf(root: Buffer): Buffer {
  return hash('sha256', root, 'buffer');
}

function proven(root: Buffer, ids: Buffer, generation: number): Buffer {
  return Buffer.concat([root, ids, uint32(generation)]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(GENERATION);
  bytes.writeUInt32BE(value);
  return bytes;
}
