import { Injectable } from '@nestjs/common';
import { ClientsService } from '../../clients/clients.service.js';
import { Clock } from '../../../platform/clock/clock.js';
import { TransactionRunner } from '../../../platform/database/transaction.js';
import { FrontChannelLogout } from '../notices/front-channel-logout.service.js';
import { logoutPolicy } from '../command/logout-policy.js';
import { TerminationCauses } from '../command/termination-causes.js';
import {
  PREVIEW_COUNT_LIMIT,
  PREVIEW_LIST_LIMIT,
  type ApplicationPreview,
  type LogoutPreview,
} from './logout-preview.js';
import type { LogoutCommand, LogoutTarget, TerminationCause } from '../command/logout.js';
import { PREVIEW } from './logout-preview.sql.js';

/** Says what a logout would do, and does nothing. */
@Injectable()
export class LogoutPreviewService {
  constructor(
    private readonly transactions: TransactionRunner,
    private readonly clients: ClientsService,
    private readonly frontChannel: FrontChannelLogout,
    private readonly clock: Clock,
    private readonly causes: TerminationCauses,
  ) {}

  /**
   * As it stands at this moment: between the preview and the logout anybody may sign in or out.
   * @param causeName what ends it; one that a person gives in the browser is given in that of the session that ends
   * @param who whose browser would be there, and who would have ordered it, as in the command
   */
  async preview(
    target: LogoutTarget,
    causeName: string,
    who: Pick<LogoutCommand, 'browserSessionId' | 'senderClientId'> = {},
  ): Promise<LogoutPreview> {
    const cause = this.causes.parse(causeName);
    const { revokesOfflineGrants } = logoutPolicy({ target, cause, initiator: { kind: 'system' } }, this.causes);
    const [row] = await this.transactions.query(PREVIEW[target.kind], {
      ...target,
      now: this.clock.now(),
      cause,
      revokesOfflineGrants,
      browserSessionId: who.browserSessionId ?? this.browserOf(target, cause),
      senderClientId: who.senderClientId,
      listLimit: PREVIEW_LIST_LIMIT,
      countLimit: PREVIEW_COUNT_LIMIT,
    });
    if (row === undefined) throw new Error('a preview without a row');
    const refused = await this.refusedFrames(row.application_list);
    return {
      cause,
      sessions: row.sessions,
      grantsRevoked: row.grants_revoked,
      deliveries: row.deliveries,
      asked: row.asked - refused.size,
      notNotified: row.not_told + refused.size,
      more: row.more,
      sessionList: row.session_list,
      grantList: row.grant_list,
      applicationList: row.application_list.map((application) =>
        refused.has(application) ? { ...application, channels: [], reason: 'frontchannel_uri_refused' } : application,
      ),
    };
  }

  /** The command of such a cause comes from the browser of the session that it ends. */
  private browserOf(target: LogoutTarget, cause: TerminationCause): string | undefined {
    return target.kind === 'session' && this.causes.policy(cause).givenInBrowser === true
      ? target.sessionId
      : undefined;
  }

  /** Those that a page would not ask after all. What is loaded is not for SQL to say. */
  private async refusedFrames(applications: readonly ApplicationPreview[]): Promise<Set<ApplicationPreview>> {
    const asked = applications.filter(({ reason }) => reason === 'will_be_asked');
    if (asked.length === 0) return new Set();
    const clients = await this.clients.findEvenDeleted([...new Set(asked.map(({ clientId }) => clientId))]);
    return new Set(
      asked.filter(({ clientId }) => {
        const client = clients.get(clientId);
        return client === undefined || !this.frontChannel.mayAsk(client.metadata);
      }),
    );
  }
}
