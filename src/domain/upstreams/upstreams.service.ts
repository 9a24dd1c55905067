import { Injectable, type OnModuleInit } from '@nestjs/common';
import { v7 as uuid } from 'uuid';
import { withdrawVerification } from '../accounts/accounts.sql.js';
import { RefreshingCache } from '../../platform/cache/refreshing-cache.js';
import { SECOND } from '../../platform/clock/durations.js';
import { ChangeFeed } from '../../platform/database/change-feed.js';
import { Clock } from '../../platform/clock/clock.js';
import { statement } from '../../platform/database/statement.js';
import { isUniqueViolation, sqlState } from '../../platform/database/storage-errors.js';
import { TransactionRunner, type Tx } from '../../platform/database/transaction.js';
import { KeptSecrets, keptSecret } from '../../platform/keys/kept-secrets.js';
import { Sealer } from '../../platform/keys/sealer.js';
import { ConflictError, InvalidRequestError, NotFoundError } from '../../platform/oidc/errors.js';
import { UpstreamEntity } from './entities/upstream.entity.js';
import type { CheckedUpstream, UpstreamInput } from './upstream-registration.js';
import { UpstreamRules } from './upstream-rules.js';
import type { Upstream } from './upstream.js';

/** A lost change notice is made good after this long. */
const MAX_AGE = 30 * SECOND;
const SECRET = 'upstream-client-secret';
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

const VOUCHED_FOR = 'SELECT i.account_id FROM upstream_identities i WHERE i.issuer = $1 AND i.owns_claims';
const DISTRUST_EMAIL = statement(
  'upstreams_distrust_email',
  withdrawVerification(
    'email_verified',
    VOUCHED_FOR,
    `NOT ($3::boolean AND ($4::text[] IS NULL OR lower(split_part(a.claims ->> 'email', '@', -1)) = ANY ($4)))`,
    '$2::timestamptz',
  ),
);
const DISTRUST_PHONE_NUMBER = statement(
  'upstreams_distrust_phone_number',
  withdrawVerification('phone_number_verified', VOUCHED_FOR, 'NOT $3::boolean', '$2::timestamptz'),
);

/** What else is to happen in the transaction of a change, it gets the registration as it is and as it was. */
export type UpstreamChanged = (tx: Tx, after: CheckedUpstream, before: CheckedUpstream | undefined) => Promise<void>;

const CLIENT_SECRETS = keptSecret({
  name: 'upstreams',
  table: 'upstreams',
  key: ['id'],
  column: 'client_secret',
  purpose: SECRET,
});

/** The registry of upstream providers. There are few, so every node has all of them in memory. */
@Injectable()
export class UpstreamsService implements OnModuleInit {
  private readonly cache: RefreshingCache<void, readonly Upstream[]>;

  constructor(
    private readonly transactions: TransactionRunner,
    private readonly clock: Clock,
    private readonly changes: ChangeFeed,
    private readonly sealer: Sealer,
    private readonly kept: KeptSecrets,
    private readonly rules: UpstreamRules,
  ) {
    this.cache = new RefreshingCache(() => this.load(), clock, { nameOf: () => 'all', maxAgeMs: MAX_AGE });
  }

  onModuleInit(): void {
    this.changes.subscribe('upstream', () => this.cache.drop());
    this.kept.register(CLIENT_SECRETS);
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
    const row = await this.transactions.reader.findOneBy(UpstreamEntity, { id: upstream.id });
    if (row?.clientSecret == null) return undefined;
    return this.sealer.openKept<{ secret: string }>(SECRET, row.clientSecret)?.secret;
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
      metadata: null,
      metadataAt: null,
      createdAt: now,
      updatedAt: now,
    };
    await this.write(async (tx) => {
      await tx.manager.insert(UpstreamEntity, row);
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
      const row = await tx.manager.findOne(UpstreamEntity, { where: { name }, lock: { mode: 'pessimistic_write' } });
      if (row === null) throw new NotFoundError('There is no such upstream.');
      const hasSecret = input.client_secret !== undefined || row.clientSecret !== null;
      const checked = this.rules.check(input, toChecked(row), hasSecret);
      renamed = checked.name;
      await tx.manager.update(
        UpstreamEntity,
        { id: row.id },
        {
          ...checked,
          ...(input.client_secret === undefined ? {} : { clientSecret: this.sealed(input.client_secret) }),
          // Another issuer publishes other endpoints.
          ...(checked.issuer === row.issuer ? {} : { metadata: null, metadataAt: null }),
          updatedAt: this.clock.now(),
        },
      );
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
      await tx.manager.delete(UpstreamEntity, { id: upstream.id });
    } catch (error) {
      if (STILL_REFERENCED.has(sqlState(error)))
        throw new ConflictError('An organization points at this upstream.', { cause: error });
      throw error;
    }
    await this.announce(tx);
  }

  /** What it published last, from storage: known to every node and after a restart. */
  async storedMetadata(
    upstream: Upstream,
  ): Promise<{ readonly metadata: Record<string, unknown>; readonly at: Date } | undefined> {
    const row = await this.transactions.reader.findOneBy(UpstreamEntity, { id: upstream.id });
    return row?.metadata == null || row.metadataAt === null
      ? undefined
      : { metadata: row.metadata, at: row.metadataAt };
  }

  async storeMetadata(upstream: Upstream, metadata: Record<string, unknown>): Promise<void> {
    await this.transactions.run((tx) =>
      tx.manager.update(
        UpstreamEntity,
        { id: upstream.id, issuer: upstream.issuer },
        { metadata: metadata as never, metadataAt: this.clock.now() },
      ),
    );
  }

  /** What was taken for verified on its word is so no more, from now on and not from each person's next sign-in. */
  private async distrust(tx: Tx, input: UpstreamInput, { issuer, configuration }: CheckedUpstream): Promise<void> {
    const now = this.clock.now();
    const { trustsEmail = false, trustedEmailDomains = null, trustsPhoneNumber = false } = configuration;
    if (input.trust_email !== undefined || input.trusted_email_domains !== undefined)
      await tx.query(DISTRUST_EMAIL, [issuer, now, trustsEmail, trustedEmailDomains]);
    if (input.trust_phone_number !== undefined) await tx.query(DISTRUST_PHONE_NUMBER, [issuer, now, trustsPhoneNumber]);
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
    return secret === undefined ? null : this.sealer.seal(SECRET, { secret });
  }

  private async load(): Promise<readonly Upstream[]> {
    const rows = await this.transactions.reader.find(UpstreamEntity, { order: { name: 'ASC' } });
    return rows.map(toUpstream);
  }
}

function refuseNull(input: UpstreamInput): void {
  const [name] = Object.entries(input).find(([member, value]) => value === null && !NULLABLE.has(member)) ?? [];
  if (name !== undefined) throw new InvalidRequestError(`${name} must not be null.`);
}

function toChecked(row: UpstreamEntity): CheckedUpstream {
  return { name: row.name, issuer: row.issuer, clientId: row.clientId, configuration: row.configuration };
}

function toUpstream(row: UpstreamEntity): Upstream {
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
