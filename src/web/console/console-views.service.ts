import { Injectable } from '@nestjs/common';
import { AccountsService } from '../../domain/accounts/accounts.service.js';
import { clientName } from '../../domain/clients/client.js';
import { ClientsService } from '../../domain/clients/clients.service.js';
import { DeliveryFiguresService, HOUR_COUNT_LIMIT } from '../../domain/logout/insight/delivery-figures.service.js';
import { LogoutRecordsService } from '../../domain/logout/termination/logout-records.service.js';
import type { LogoutInitiator } from '../../domain/logout/command/logout.js';
import { ReceiptsService } from '../../domain/logout/receipts/receipts.service.js';
import type { Termination } from '../../domain/logout/termination/termination.js';
import { countWithoutNotice, type NotNotifiedReason } from '../../domain/logout/termination/without-notice.js';
import { PATHS } from '../../platform/oidc/endpoints.js';
import type { ConsoleOverviewFigures, ConsoleTerminationView, ConsoleTimelineFigures } from '../pages/pages.js';

const OVERVIEW_PATH = PATHS.consoleLogouts;
const TERMINATIONS = 25;
const APPLICATIONS = 50;

const WHY_NOT_NOTIFIED: Readonly<Record<NotNotifiedReason, string>> = {
  no_backchannel_uri: 'It registered neither a back-channel nor a front-channel logout URI.',
  browser_absent: 'It can only be asked in the browser, and no page of ours was shown in the browser of this session.',
  cause_not_wanted: 'It is registered to hear of other causes.',
  client_deleted: 'It was deleted before.',
  is_the_sender: 'It ordered this logout itself.',
  frontchannel_uri_refused: 'Its front-channel logout URI is one that we do not load.',
};

/** What the console's pages say, gathered from the ledger. Each read is bounded, however much there is. */
@Injectable()
export class ConsoleViews {
  constructor(
    private readonly deliveries: DeliveryFiguresService,
    private readonly records: LogoutRecordsService,
    private readonly receipts: ReceiptsService,
    private readonly clients: ClientsService,
    private readonly accounts: AccountsService,
  ) {}

  /** @param before the id of the last termination of the page before */
  async overview(before?: string): Promise<ConsoleOverviewFigures> {
    const [overview, { items, nextCursor }] = await Promise.all([
      this.deliveries.overview(),
      this.records.listTerminations({ limit: TERMINATIONS, cursor: before }),
    ]);
    const applications = overview.applications.slice(0, APPLICATIONS);
    const names = await this.namesOf([
      ...applications.map(({ clientId }) => clientId),
      ...overview.failures.map(({ clientId }) => clientId),
      ...items.flatMap(({ initiator }) => clientIdsOf(initiator)),
    ]);
    return {
      at: overview.at,
      counts: overview.counts,
      more: overview.more,
      countedOfAnHour: HOUR_COUNT_LIMIT,
      latency: overview.latency,
      oldestPendingAt: overview.oldestPendingAt,
      hours: overview.hours,
      applications: applications.map((application) => ({ ...application, name: names(application.clientId) })),
      moreApplications: overview.applications.length - applications.length,
      failures: overview.failures.map((failure) => ({
        url: urlOf(failure.terminationId),
        application: names(failure.clientId),
        state: failure.state,
        at: failure.finishedAt,
        error: failure.lastError ?? undefined,
      })),
      terminations: items.map((termination) => toView(termination, names)),
      olderUrl: nextCursor === undefined ? undefined : `${OVERVIEW_PATH}?before=${nextCursor}`,
    };
  }

  /** @throws NotFoundError */
  async timeline(id: string): Promise<ConsoleTimelineFigures> {
    const { termination, deliveries } = await this.records.timeline(id);
    const [standing, account, names] = await Promise.all([
      this.receipts.ofTermination(id),
      termination.accountId === null ? undefined : this.accounts.find(termination.accountId),
      this.namesOf([
        ...deliveries.map(({ clientId }) => clientId),
        ...termination.withoutNotice.map(({ client_id: clientId }) => clientId),
        ...clientIdsOf(termination.initiator),
      ]),
    ]);
    return {
      ...toView(termination, names),
      id: termination.id,
      account: termination.accountId === null ? undefined : (account?.login ?? termination.accountId),
      deliveries: deliveries.map((delivery) => ({
        application: names(delivery.clientId),
        clientId: delivery.clientId,
        state: delivery.state,
        attemptsMade: delivery.attempts,
        nextAttemptAt: delivery.nextAttemptAt ?? undefined,
        finishedAt: delivery.finishedAt ?? undefined,
        attempts: delivery.attemptsMade.map((attempt) => ({
          number: attempt.number,
          startedAt: attempt.startedAt,
          durationMs: attempt.durationMs,
          status: attempt.status ?? undefined,
          error: attempt.errorCode ?? undefined,
        })),
      })),
      withoutNotice: termination.withoutNotice.map(({ client_id: clientId, state, reason }) => ({
        application: names(clientId),
        clientId,
        state,
        why: reason && WHY_NOT_NOTIFIED[reason],
      })),
      moreDeliveries: Math.max(0, termination.deliveries - deliveries.length),
      receipt: standing.kind === 'final' ? standing.receipt : undefined,
    };
  }

  private async namesOf(clientIds: readonly string[]): Promise<(clientId: string) => string> {
    const clients = await this.clients.findEvenDeleted([...new Set(clientIds)]);
    return (clientId) => {
      const client = clients.get(clientId);
      return client === undefined ? clientId : clientName(client);
    };
  }
}

export function urlOf(terminationId: string): string {
  return `${OVERVIEW_PATH}/${terminationId}`;
}

function toView(termination: Termination, names: (clientId: string) => string): ConsoleTerminationView {
  return {
    url: urlOf(termination.id),
    at: termination.occurredAt,
    cause: termination.cause.replaceAll('_', ' '),
    initiator: initiatorWords(termination.initiator, names),
    sessions: termination.sessions,
    grantsRevoked: termination.grantsRevoked,
    notices: termination.deliveries,
    asked: countWithoutNotice(termination.withoutNotice, 'asked'),
    notNotified: countWithoutNotice(termination.withoutNotice, 'not_told'),
    receipted: termination.receipted,
  };
}

function clientIdsOf(initiator: LogoutInitiator): string[] {
  return 'clientId' in initiator && initiator.clientId !== undefined ? [initiator.clientId] : [];
}

function initiatorWords(initiator: LogoutInitiator, names: (clientId: string) => string): string {
  const [client] = clientIdsOf(initiator).map(names);
  switch (initiator.kind) {
    case 'user':
      return client === undefined ? 'the person' : `the person, at ${client}`;
    case 'upstream':
      return `the provider ${initiator.issuer}`;
    case 'system':
      return 'this service, by a rule';
    default:
      return client === undefined ? initiator.kind : `${initiator.kind} ${client}`;
  }
}
