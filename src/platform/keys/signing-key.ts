import type { KeyObject } from 'node:crypto';
import { MINUTE } from '../clock/durations.js';
import type { SigningAlgorithm } from '../oidc/algorithms.js';

/** A key pair as it is held in memory. */
export interface SigningKey {
  readonly kid: string;
  readonly alg: SigningAlgorithm;
  readonly publicJwk: Readonly<Record<string, unknown>>;
  readonly publicKey: KeyObject;
  /** Absent once the key is retired: it verifies hints and signs nothing. */
  readonly privateKey: KeyObject | undefined;
  readonly createdAt: Date;
  readonly activeAt: Date;
  readonly retiredAt: Date | null;
  readonly unpublishAt: Date | null;
}

/** What an operator may know of a key. */
export interface SigningKeyInfo {
  readonly kid: string;
  readonly alg: SigningAlgorithm;
  readonly state: 'published' | 'active' | 'retired' | 'verifying';
  readonly createdAt: Date;
  readonly activeAt: Date;
  readonly retiredAt: Date | null;
}

/** A symmetric key that seals, while its secret is there. */
export interface SealingKey {
  readonly key: KeyObject;
  readonly activeAt: Date;
  readonly retiredAt: Date | null;
  readonly unpublishAt: Date | null;
}

/** A symmetric key that masks accounts and proves refresh tokens. It does so for as long as anything that began with it. */
export interface RoutingKey {
  /** Four bytes, by which an artefact names its key. */
  readonly id: Buffer;
  /** Masks what an artefact says of its account. */
  readonly mask: KeyObject;
  /** Proves that a refresh token was made here. */
  readonly proof: KeyObject;
  readonly activeAt: Date;
}

/** For nodes that do not know of a rotation yet, and for clocks that differ. */
const VALIDITY_MARGIN = MINUTE;

/**
 * The newest key that may sign. Where none may by the own clock, which may be behind that of the node that rotated, it
 * is the one that may soonest: it is published, so verifiers know it.
 */
export function currentKey(keys: readonly SigningKey[], alg: SigningAlgorithm, now: Date): SigningKey | undefined {
  const signs = (key: SigningKey): boolean =>
    key.alg === alg && key.privateKey !== undefined && (key.retiredAt === null || key.retiredAt > now);
  return newestActive(keys.filter(signs), now);
}

/** Of those that are not retired, the one that works by now, or the next one. */
export function newestActive<Key extends { readonly activeAt: Date }>(
  keys: readonly Key[],
  now: Date,
): Key | undefined {
  let current: Key | undefined;
  let next: Key | undefined;
  for (const key of keys) {
    if (key.activeAt <= now && (current === undefined || key.activeAt > current.activeAt)) current = key;
    if (key.activeAt > now && (next === undefined || key.activeAt < next.activeAt)) next = key;
  }
  return current ?? next;
}

/** A key that was withdrawn at once is not, whatever the own clock says. */
export function isPublished(key: Pick<SigningKey, 'unpublishAt' | 'retiredAt'>, now: Date): boolean {
  const { unpublishAt, retiredAt } = key;
  return unpublishAt === null || (unpublishAt > now && (retiredAt === null || unpublishAt > retiredAt));
}

/** In seconds. Other nodes learn of a rotation within their cache's age, and their clocks may differ a little. */
export function validityOf(key: SigningKey): { readonly nbf: number; readonly exp?: number } {
  const nbf = Math.floor((key.activeAt.getTime() - VALIDITY_MARGIN) / 1000);
  if (key.retiredAt === null) return { nbf };
  return { nbf, exp: Math.ceil((key.retiredAt.getTime() + 2 * VALIDITY_MARGIN) / 1000) };
}

/** As operators see it. */
export function stateOf(key: SigningKey, now: Date): SigningKeyInfo['state'] {
  if (!isPublished(key, now)) return 'verifying';
  if (key.retiredAt !== null) return 'retired';
  return key.activeAt <= now ? 'active' : 'published';
}
