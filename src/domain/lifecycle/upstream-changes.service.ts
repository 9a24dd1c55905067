import { Injectable } from '@nestjs/common';
import type { AuditDetails } from '../../platform/audit/audit-event.js';
import type { LogoutOutcome, OrderedLogout } from '../logout/command/logout.js';
import { LogoutService } from '../logout/command/logout.service.js';
import type { CheckedUpstream, UpstreamInput } from '../upstreams/upstream-registration.js';
import type { Upstream } from '../upstreams/upstream.js';
import { UpstreamsService, type UpstreamChanged } from '../upstreams/upstreams.service.js';
import { ChangeRecord, initiatorOf, type Actor, type Change, type RecordChange, type Values } from './change-record.js';

/** Changes of the providers that people may sign in with, each on record with who made it. */
@Injectable()
export class UpstreamChanges {
  constructor(
    private readonly upstreams: UpstreamsService,
    private readonly logoutService: LogoutService,
    private readonly record: ChangeRecord,
  ) {}

  /** @throws InvalidRequestError, ConflictError when the name or (issuer, client_id) is taken */
  async register(input: UpstreamInput & { readonly name: string }, actor: Actor): Promise<Upstream> {
    return this.record.of(actor, changeOf('registered', input.name), (record) =>
      this.upstreams.register(input, recorded(record)),
    );
  }

  /** Changes what `input` names and leaves the rest. @throws NotFoundError, InvalidRequestError, ConflictError */
  async update(name: string, input: UpstreamInput, actor: Actor): Promise<Upstream> {
    const change = changeOf('changed', name, input.client_secret === undefined ? {} : { client_secret: 'replaced' });
    return this.record.of(actor, change, (record) => this.upstreams.update(name, input, recorded(record)));
  }

  /**
   * When this returns, no session that began by it is alive, and what people allowed applications for when they are
   * away has ended with their sessions. Accounts stay.
   * @throws NotFoundError, ConflictError while an organization points at it
   */
  async delete(name: string, actor: Actor): Promise<LogoutOutcome | OrderedLogout> {
    const upstream = await this.upstreams.get(name);
    return this.record.of(actor, changeOf('deleted', name), (record) =>
      this.logoutService.logoutAny(
        {
          target: { kind: 'upstream', upstreamId: upstream.id },
          cause: 'upstream_deleted',
          initiator: initiatorOf(actor),
          targetName: name,
        },
        { before: (tx) => this.upstreams.delete(tx, upstream), after: (tx) => record(tx) },
      ),
    );
  }
}

function changeOf(change: string, upstream: string, more: AuditDetails = {}): Change {
  return { event: 'upstream_changed', change, subject: { upstream, ...more } };
}

/** The secret is no part of what is compared. */
function recorded(record: RecordChange): UpstreamChanged {
  return (tx, after, before) => record(tx, valuesOf(before), valuesOf(after));
}

function valuesOf(upstream: CheckedUpstream | undefined): Values {
  if (upstream === undefined) return {};
  const { configuration, ...rest } = upstream;
  const values = Object.entries({ ...rest, ...configuration });
  return Object.fromEntries(values.map(([name, value]) => [wireName(name), value]));
}

function wireName(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
