import type { KeyObject } from 'node:crypto';
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
