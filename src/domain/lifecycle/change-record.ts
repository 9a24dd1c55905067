import { Injectable } from '@nestjs/common';
import type { AuditDetails, AuditEventName } from '../../platform/audit/audit-event.js';
import { AuditLog } from '../../platform/audit/audit-log.js';
import type { Tx } from '../../platform/database/transaction.js';
import { Metrics } from '../../platform/metrics/metrics.js';
import type { LogoutInitiator } from '../logout/command/logout.js';

/** Who changed something, and from where. */
export interface Actor {
  /** `operator`: by an access token with `exeunt:admin`. `client`: by a client's own registration access token. */
  readonly by: 'operator' | 'client';
  readonly clientId: string;
  readonly address: string;
}

export type ChangeEventName = Extract<AuditEventName, `${string}_changed` | 'keys_rotated'>;

export interface Change {
  readonly event: ChangeEventName;
  /** One word of our vocabulary: what was done, such as `created` or `roles_set`. */
  readonly change: string;
  /** What was changed, by its identifiers. */
  readonly subject: AuditDetails;
}

/** Members of something as they were and as they are. */
export type Values = Readonly<Record<string, unknown>>;

/** Called within the transaction of the change, with what it changed where that is known. */
export type RecordChange = (tx: Tx, before?: Values, after?: Values) => Promise<void>;

/** Puts what administrators change on record: who, from where, what, and how it was before. */
@Injectable()
export class ChangeRecord {
  constructor(
    private readonly audit: AuditLog,
    private readonly metrics: Metrics,
  ) {}

  /**
   * Runs `work`, which calls what it is given in its own transaction: the change and the record of it are kept, or
   * neither is.
   */
  async of<T>(actor: Actor, change: Change, work: (record: RecordChange) => Promise<T>): Promise<T> {
    const result = await work((tx, before = {}, after = {}) =>
      this.audit.record(
        { event: change.event, outcome: 'done', details: { ...detailsOf(actor, change), ...diff(before, after) } },
        tx,
      ),
    );
    this.metrics.countChange(change.event, change.change);
    return result;
  }
}

function detailsOf(actor: Actor, { change, subject }: Change): AuditDetails {
  return { ...subject, change, [actor.by]: actor.clientId, address: actor.address };
}

/** Every member that differs, as `before.<name>` and `after.<name>`. Absent ones are left out. */
function diff(before: Values, after: Values): AuditDetails {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  const changed = names.filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]));
  return Object.fromEntries(
    changed.flatMap((name) => [...valueOf(`before.${name}`, before[name]), ...valueOf(`after.${name}`, after[name])]),
  );
}

function valueOf(name: string, value: unknown): ReadonlyArray<readonly [string, string | number | boolean | null]> {
  if (value === undefined) return [];
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return [[name, value]];
  return [[name, typeof value === 'string' ? value : JSON.stringify(value)]];
}

/** The same, as a termination names them. */
export function initiatorOf({ by, clientId }: Actor): LogoutInitiator {
  return { kind: by, clientId };
}
