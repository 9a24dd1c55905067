import { Injectable } from '@nestjs/common';
import { Clock } from '../../platform/clock/clock.js';
import { isUniqueViolation, sqlState } from '../../platform/database/storage-errors.js';
import { TransactionRunner, type Tx } from '../../platform/database/transaction.js';
import { ConflictError, InvalidRequestError, NotFoundError } from '../../platform/oidc/errors.js';
import { OrganizationRepository, type StoredOrganization } from './organization.repository.js';
import { UpstreamsService } from './upstreams.service.js';

/** An organization, and the provider that its people sign in with. */
export interface Organization {
  readonly id: string;
  readonly name: string;
  /** Name of the upstream; undefined: this provider itself. */
  readonly upstream: string | undefined;
  readonly isDefault: boolean;
}

export interface OrganizationInput {
  readonly id: string;
  readonly name?: string | undefined;
  readonly upstream?: string | null | undefined;
  readonly default?: boolean | undefined;
}

/** Where no organization is registered as the default, this provider itself is it. */
const OURSELVES: Organization = { id: 'default', name: 'This provider', upstream: undefined, isDefault: true };
const ID = /^[A-Za-z0-9._~-]{1,100}$/;

/** What else is to happen in the transaction of a change; it gets what changed. */
export type OrganizationChanged = (
  tx: Tx,
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
) => Promise<void>;
const nothingElse: OrganizationChanged = () => Promise.resolve();

/** The registry that maps organizations to upstreams. */
@Injectable()
export class OrganizationsService {
  constructor(
    private readonly transactions: TransactionRunner,
    private readonly upstreams: UpstreamsService,
    private readonly clock: Clock,
    private readonly repository: OrganizationRepository,
  ) {}

  async find(id: string): Promise<Organization | undefined> {
    if (!ID.test(id)) return undefined;
    const row = await this.repository.find(id);
    return row === undefined ? undefined : this.toOrganization(row);
  }

  /** @throws NotFoundError */
  async get(id: string): Promise<Organization> {
    const organization = await this.find(id);
    if (organization === undefined) throw new NotFoundError('There is no such organization.');
    return organization;
  }

  async default(): Promise<Organization> {
    const row = await this.repository.findDefault();
    return row === undefined ? OURSELVES : this.toOrganization(row);
  }

  async list(): Promise<readonly Organization[]> {
    const rows = await this.repository.list();
    return Promise.all(rows.map((row) => this.toOrganization(row)));
  }

  /** @throws InvalidRequestError, ConflictError when the id is taken */
  async create(input: OrganizationInput, onChange = nothingElse): Promise<Organization> {
    if (!ID.test(input.id)) throw new InvalidRequestError('id must be 1 to 100 characters of A-Z a-z 0-9 . _ ~ -.');
    const upstreamId = await this.upstreamId(input.upstream ?? null);
    await this.write(input.default === true, async (tx) => {
      const row = {
        id: input.id,
        name: input.name ?? input.id,
        upstreamId,
        isDefault: input.default ?? false,
      };
      await this.repository.insert(tx, row, this.clock.now());
      await onChange(
        tx,
        {},
        { name: input.name ?? input.id, upstream: input.upstream ?? null, default: input.default ?? false },
      );
    });
    return this.get(input.id);
  }

  /** Changes what `input` names. @throws NotFoundError, InvalidRequestError */
  async update(id: string, input: Omit<OrganizationInput, 'id'>, onChange = nothingElse): Promise<Organization> {
    const upstreamId = input.upstream === undefined ? undefined : await this.upstreamId(input.upstream);
    await this.write(input.default === true, async (tx) => {
      const row = await this.repository.lock(tx, id);
      if (row === undefined) throw new NotFoundError('There is no such organization.');
      await this.repository.update(tx, {
        id,
        name: input.name ?? row.name,
        upstreamId: upstreamId === undefined ? row.upstreamId : upstreamId,
        isDefault: input.default ?? row.isDefault,
      });
      const before = await this.toOrganization(row);
      await onChange(
        tx,
        { name: before.name, upstream: before.upstream ?? null, default: before.isDefault },
        {
          name: input.name ?? before.name,
          upstream: input.upstream === undefined ? (before.upstream ?? null) : input.upstream,
          default: input.default ?? before.isDefault,
        },
      );
    });
    return this.get(id);
  }

  /** @throws NotFoundError */
  async delete(id: string, onChange = nothingElse): Promise<void> {
    await this.transactions.run(async (tx) => {
      if (!(await this.repository.delete(tx, id))) throw new NotFoundError('There is no such organization.');
      await onChange(tx, {}, {});
    });
  }

  /** @param asDefault the organization that was the default until now is no longer, in the same transaction */
  private async write(asDefault: boolean, work: (tx: Tx) => Promise<void>): Promise<void> {
    try {
      await this.transactions.run(async (tx) => {
        if (asDefault) await this.repository.clearDefault(tx);
        await work(tx);
      });
    } catch (error) {
      if (isUniqueViolation(error, 'organizations_pkey'))
        throw new ConflictError('This id is taken.', { cause: error });
      // The upstream was deleted since it was looked up.
      if (sqlState(error) === '23503') throw unknownUpstream({ cause: error });
      throw error;
    }
  }

  private async upstreamId(name: string | null): Promise<string | null> {
    if (name === null) return null;
    const upstream = await this.upstreams.find(name);
    if (upstream === undefined) throw unknownUpstream();
    return upstream.id;
  }

  private async toOrganization(row: StoredOrganization): Promise<Organization> {
    const upstream = row.upstreamId === null ? undefined : await this.upstreams.findById(row.upstreamId);
    return {
      id: row.id,
      name: row.name,
      // One that has just gone is no reason to take ourselves for it.
      upstream: row.upstreamId === null ? undefined : (upstream?.name ?? row.upstreamId),
      isDefault: row.isDefault,
    };
  }
}

function unknownUpstream(options?: { readonly cause: unknown }): InvalidRequestError {
  return new InvalidRequestError('upstream is not the name of a registered upstream.', options);
}
