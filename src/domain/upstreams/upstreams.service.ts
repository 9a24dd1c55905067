import { Injectable, type OnModuleInit } from '@nestjs/common';
import { v7 as uuid } from 'uuid';
import { RefreshingCache } from '../../platform/cache/refreshing-cache.js';
import { SECOND } from '../../platform/clock/durations.js';
import { ChangeFeed } from '../../platform/database/change-feed.js';
import { Clock } from '../../platform/clock/clock.js';
import { isUniqueViolation, sqlState } from '../../platform/database/storage-errors.js';
import { TransactionRunner, type Tx } from '../../platform/database/transaction.js';
import { Sealer } from '../../platform/keys/sealer.js';
import { ConflictError, InvalidRequestError, NotFoundError } from '../../platform/oidc/errors.js';
import type { CheckedUpstream, UpstreamInput } from './upstream-registration.js';
import { UpstreamRules } from './upstream-rules.js';
import {
  UPSTREAM_CLIENT_SECRET,
  UpstreamRepository,
  type StoredMetadata,
  type StoredUpstream,
} from './upstream.repository.js';
import type { Upstream } from './upstream.js';

/** A lost change notice is made good after this long. */
const MAX_AGE = 30 * SECOND;
/** Where null means that there is none. Elsewhere it is most likely a mistake, such as about a secret that is to stay. */
const NULLABLE: ReadonlySet<string> = new Set([
  'redirect_uri',
  'post_logout_redirect_uri',
  'clients',
  'peer_client_id',
  'trusted_email_domains',
]);
/** Postgres up to 17 answers a foreign key's RESTRICT with the first, since 18 with the second. */
const STILL_REFERENCED: ReadonlySet<string | undefined> = new Set(['23503', '23001']);

/** What else is to happen in the transaction of a change, it gets the registration as it is and as it was. */
export type UpstreamChanged = (tx: Tx, after: CheckedUpstream, before: CheckedUpstream | undefined) => Promise<void>;

/** The registry of upstream providers. There are few, so every node has all of them in memory. */
@Injectable()
export class UpstreamsService implements OnModuleInit {
  private readonly cache: RefreshingCache<void, readonly Upstream[]>;

  constructor(
    private readonly transactions: TransactionRunner,
    private readonly clock: Clock,
    private readonly changes: ChangeFeed,
    private readonly sealer: Sealer,
    private readonly rules: UpstreamRules,
    private readonly repository: UpstreamRepository,
  ) {
    this.cache = new RefreshingCache(() => this.load(), clock, { nameOf: () => 'all', maxAgeMs: MAX_AGE });
  }

  onModuleInit(): void {
    this.changes.subscribe('upstream', () => this.cache.drop());
  }

  /** By name, disabled ones too. */
  async list(): Promise<readonly Upstream[]> {
    return this.cache.get();
  }

  async find(name: string): Promise<Upstream | undefined> {
    return (await this.list()).find((upstream) => upstream.name === name);
  }

  async findById(id: string): Promise<Upstream | undefined> {
    return (await this.list()).find((upstream) => upstream.id === id);
  }

  /** Compared byte for byte (OpenID Connect Discovery 1.0 §4.3). */
  async findByIssuer(issuer: string): Promise<readonly Upstream[]> {
    return (await this.list()).filter((upstream) => upstream.issuer === issuer);
  }

  /** @throws NotFoundError */
  async get(name: string): Promise<Upstream> {
    const upstream = await this.find(name);
    if (upstream === undefined) throw new NotFoundError('There is no such upstream.');
    return upstream;
  }

  /** The secret that we show at its token endpoint. */
  async clientSecret(upstream: Upstream): Promise<string | undefined> {
    const sealed = await this.repository.findClientSecret(upstream.id);
    return sealed === undefined
      ? undefined
      : this.sealer.openKept<{ secret: string }>(UPSTREAM_CLIENT_SECRET, sealed)?.secret;
  }

  /**
   * @param onChange what must be true with the registration, and undone with it
   * @throws InvalidRequestError, ConflictError when the name or (issuer, client_id) is taken
   */
  async register(input: UpstreamInput, onChange: UpstreamChanged = () => Promise.resolve()): Promise<Upstream> {
    refuseNull(input);
    const checked = this.rules.check(input, undefined, input.client_secret !== undefined);
    const now = this.clock.now();
    const row = {
      ...checked,
      id: uuid(),
      clientSecret: this.sealed(input.client_secret),
      createdAt: now,
      updatedAt: now,
    };
    await this.write(async (tx) => {
      await this.repository.insert(tx, row);
      await onChange(tx, checked, undefined);
    });
    return this.get(checked.name);
  }

  /** Changes what `input` names and leaves the rest. @throws NotFoundError, InvalidRequestError, ConflictError */
  async update(
    name: string,
    input: UpstreamInput,
    onChange: UpstreamChanged = () => Promise.resolve(),
  ): Promise<Upstream> {
    refuseNull(input);
    let renamed = name;
    await this.write(async (tx) => {
      const row = await this.repository.lock(tx, name);
      if (row === undefined) throw new NotFoundError('There is no such upstream.');
      const hasSecret = input.client_secret !== undefined || row.clientSecret !== null;
      const checked = this.rules.check(input, toChecked(row), hasSecret);
      renamed = checked.name;
      await this.repository.update(tx, {
        ...row,
        ...checked,
        clientSecret: this.sealed(input.client_secret) ?? row.clientSecret,
        updatedAt: this.clock.now(),
      });
      await this.distrust(tx, input, checked);
      await onChange(tx, checked, toChecked(row));
    });
    return this.get(renamed);
  }

  /**
   * Gone with the commit. The caller ends the sessions that began by it, after it in the same transaction: a sign-in
   * that is under way holds the row, so it has committed by then, or finds the upstream gone.
   * @throws ConflictError while an organization points at it
   */
  async delete(tx: Tx, upstream: Upstream): Promise<void> {
    try {
      await this.repository.delete(tx, upstream.id);
    } catch (error) {
      if (STILL_REFERENCED.has(sqlState(error)))
        throw new ConflictError('An organization points at this upstream.', { cause: error });
      throw error;
    }
    await this.announce(tx);
  }

  /** What it published last, from storage: known to every node and after a restart. */
  async storedMetadata(upstream: Upstream): Promise<StoredMetadata | undefined> {
    return this.repository.findMetadata(upstream.id);
  }

  async storeMetadata(upstream: Upstream, metadata: Readonly<Record<string, unknown>>): Promise<void> {
    await this.repository.storeMetadata(upstream, { metadata, at: this.clock.now() });
  }

  /** What was taken for verified on its word is so no more, from now on and not from each person's next sign-in. */
  private async distrust(tx: Tx, input: UpstreamInput, { issuer, configuration }: CheckedUpstream): Promise<void> {
    const now = this.clock.now();
    const { trustsEmail = false, trustedEmailDomains = null, trustsPhoneNumber = false } = configuration;
    if (input.trust_email !== undefined || input.trusted_email_domains !== undefined)
      await this.repository.distrustEmail(tx, issuer, { trusted: trustsEmail, domains: trustedEmailDomains }, now);
    if (input.trust_phone_number !== undefined)
      await this.repository.distrustPhoneNumber(tx, issuer, trustsPhoneNumber, now);
  }

  private async write(work: (tx: Tx) => Promise<unknown>): Promise<void> {
    try {
      await this.transactions.run(async (tx) => {
        await work(tx);
        await this.announce(tx);
      });
    } catch (error) {
      if (isUniqueViolation(error, 'upstreams_name_key'))
        throw new ConflictError('This name is taken.', { cause: error });
      if (isUniqueViolation(error, 'upstreams_issuer_client_id_key'))
        throw new ConflictError('This client_id is registered for this issuer already.', { cause: error });
      throw error;
    }
  }

  /** To every node; this one does not wait for its own notice. */
  private async announce(tx: Tx): Promise<void> {
    tx.afterCommit(() => this.cache.drop());
    await this.changes.publish(tx, 'upstream');
  }

  private sealed(secret: string | undefined): string | null {
    return secret === undefined ? null : this.sealer.seal(UPSTREAM_CLIENT_SECRET, { secret });
  }

  private async load(): Promise<readonly Upstream[]> {
    return (await this.repository.list()).map(toUpstream);
  }
}

function refuseNull(input: UpstreamInput): void {
  const [name] = Object.entries(input).find(([member, value]) => value === null && !NULLABLE.has(member)) ?? [];
  if (name !== undefined) throw new InvalidRequestError(`${name} must not be null.`);
}

function toChecked(row: StoredUpstream): CheckedUpstream {
  return { name: row.name, issuer: row.issuer, clientId: row.clientId, configuration: row.configuration };
}

function toUpstream(row: StoredUpstream): Upstream {
  const { configuration } = row;
  return {
    id: row.id,
    name: row.name,
    issuer: row.issuer,
    clientId: row.clientId,
    hasSecret: row.clientSecret !== null,
    displayName: configuration.displayName,
    tokenEndpointAuthMethod: configuration.tokenEndpointAuthMethod,
    redirectUri: configuration.redirectUri ?? undefined,
    postLogoutRedirectUri: configuration.postLogoutRedirectUri ?? undefined,
    scope: configuration.scope,
    claimMapping: configuration.claimMapping,
    idTokenSignedResponseAlg: configuration.idTokenSignedResponseAlg,
    createsAccounts: configuration.createsAccounts,
    enabled: configuration.enabled,
    clients: configuration.clients ?? undefined,
    dialects: configuration.dialects,
    trustsEmail: configuration.trustsEmail ?? false,
    trustedEmailDomains: configuration.trustedEmailDomains ?? undefined,
    trustsPhoneNumber: configuration.trustsPhoneNumber ?? false,
    requiresLogoutTokenExp: configuration.requiresLogoutTokenExp ?? false,
    peerClientId: configuration.peerClientId ?? undefined,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
  };
}
