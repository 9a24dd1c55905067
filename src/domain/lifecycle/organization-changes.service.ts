import { Injectable } from '@nestjs/common';
import { OrganizationsService, type Organization, type OrganizationInput } from '../upstreams/organizations.service.js';
import { ChangeRecord, type Actor, type Change } from './change-record.js';

/** Changes of organizations, each on record with who made it. Sessions are not touched by any. */
@Injectable()
export class OrganizationChanges {
  constructor(
    private readonly organizations: OrganizationsService,
    private readonly record: ChangeRecord,
  ) {}

  /** @throws InvalidRequestError, ConflictError when the id is taken */
  create(input: OrganizationInput, actor: Actor): Promise<Organization> {
    return this.record.of(actor, changeOf('created', input.id), (record) => this.organizations.create(input, record));
  }

  /** Changes what `input` names and leaves the rest. @throws NotFoundError, InvalidRequestError */
  update(id: string, input: Omit<OrganizationInput, 'id'>, actor: Actor): Promise<Organization> {
    return this.record.of(actor, changeOf('changed', id), (record) => this.organizations.update(id, input, record));
  }

  /** @throws NotFoundError */
  delete(id: string, actor: Actor): Promise<void> {
    return this.record.of(actor, changeOf('deleted', id), (record) => this.organizations.delete(id, record));
  }
}

function changeOf(change: string, organization: string): Change {
  return { event: 'organization_changed', change, subject: { organization } };
}
