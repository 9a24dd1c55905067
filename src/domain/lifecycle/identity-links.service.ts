import { Injectable } from '@nestjs/common';
import { AccountsService } from '../accounts/accounts.service.js';
import type { LogoutOutcome } from '../logout/command/logout.js';
import { LogoutService } from '../logout/command/logout.service.js';
import { UpstreamIdentities } from '../upstreams/upstream-identities.service.js';
import type { UpstreamIdentity } from '../upstreams/upstream-identity.js';
import { ChangeRecord, initiatorOf, type Actor, type Change } from './change-record.js';

/** A person at another provider. */
export interface LinkedPerson {
  readonly issuer: string;
  readonly sub: string;
}

/** Says which people at other providers may use an account, by issuer and `sub`, and puts it on record. */
@Injectable()
export class IdentityLinks {
  constructor(
    private readonly accounts: AccountsService,
    private readonly identities: UpstreamIdentities,
    private readonly logoutService: LogoutService,
    private readonly record: ChangeRecord,
  ) {}

  /** Oldest link first. @throws NotFoundError */
  async list(accountId: string): Promise<readonly UpstreamIdentity[]> {
    return this.identities.list((await this.accounts.get(accountId)).id);
  }

  /** @throws NotFoundError, ConflictError when this person is linked to an account already */
  async link(accountId: string, { issuer, sub }: LinkedPerson, actor: Actor): Promise<UpstreamIdentity> {
    const { id } = await this.accounts.get(accountId);
    return this.record.of(actor, changeOf('identity_linked', id, issuer), (record) =>
      this.identities.link(id, issuer, sub, record),
    );
  }

  /** Ends the sessions that this person began by the link, in the same transaction. @throws NotFoundError */
  async unlink(accountId: string, { issuer, sub }: LinkedPerson, actor: Actor): Promise<LogoutOutcome> {
    const { id } = await this.accounts.get(accountId);
    return this.record.of(actor, changeOf('identity_unlinked', id, issuer), (record) =>
      this.logoutService.logout(
        { target: { kind: 'upstream-subject', issuer, sub }, cause: 'admin', initiator: initiatorOf(actor) },
        {
          before: async (tx) => {
            await this.identities.unlink(tx, id, issuer, sub);
            await record(tx);
          },
        },
      ),
    );
  }
}

/** The `sub` stays out of the record, which outlives the person's data. */
function changeOf(change: string, accountId: string, issuer: string): Change {
  return { event: 'account_changed', change, subject: { account_id: accountId, issuer } };
}
