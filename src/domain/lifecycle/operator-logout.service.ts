import { Injectable } from '@nestjs/common';
import { NotFoundError, existing } from '../../platform/oidc/errors.js';
import type { BoundedTarget, LogoutOutcome, OrderedLogout, TerminationCause } from '../logout/command/logout.js';
import { LogoutService } from '../logout/command/logout.service.js';
import type { LogoutPreview } from '../logout/insight/logout-preview.js';
import { LogoutPreviewService } from '../logout/insight/logout-preview.service.js';
import type { LogoutOrder, NewLogoutOrder } from '../logout/orders/logout-order.js';
import { LogoutOrdersService } from '../logout/orders/logout-orders.service.js';
import { SessionList } from '../sessions/session-list.js';
import { UpstreamsService } from '../upstreams/upstreams.service.js';
import { NamedTargets, type NamedOrderTarget, type NamedTarget } from './named-targets.service.js';

/** What an operator wants to know the effect of. */
export interface PreviewRequest {
  readonly target: NamedTarget;
  readonly cause: TerminationCause;
  /** The session of the browser in which the person signs out; of causes given in a browser, the target's own if left out. */
  readonly browserSessionId?: string | undefined;
}

/** Logouts on an operator's word: at once, by an order for any number of sessions, or only looked at. */
@Injectable()
export class OperatorLogout {
  constructor(
    private readonly targets: NamedTargets,
    private readonly sessions: SessionList,
    private readonly upstreams: UpstreamsService,
    private readonly logoutService: LogoutService,
    private readonly orders: LogoutOrdersService,
    private readonly previews: LogoutPreviewService,
  ) {}

  /** Ending one that has ended is no error. @throws NotFoundError when there never was one */
  async endSession(sessionId: string, operatorClientId: string): Promise<LogoutOutcome> {
    const { id } = existing(await this.sessions.find(sessionId), 'session');
    return this.end({ kind: 'session', sessionId: id }, operatorClientId);
  }

  /** Every session and every grant of the person, offline ones too; nothing when there is no such person. */
  endEverythingOf(accountId: string, operatorClientId: string): Promise<LogoutOutcome | OrderedLogout> {
    const initiator = { kind: 'operator', clientId: operatorClientId } as const;
    return this.logoutService.logoutAny({ target: { kind: 'account', accountId }, cause: 'admin', initiator });
  }

  /**
   * As `LogoutOrdersService.place`, for a target by the names that operators know.
   * @throws InvalidRequestError unless exactly one is named; NotFoundError when there is none by that name; ConflictError
   */
  async placeOrder(target: NamedOrderTarget, terms: Omit<NewLogoutOrder, 'target'>): Promise<LogoutOrder> {
    return this.orders.place({ ...terms, target: await this.targets.orderTarget(target) });
  }

  /**
   * What a logout would touch now, and why or why not. Changes nothing. What is over already is in the lists, by that
   * reason.
   * @throws InvalidRequestError unless one target is named; NotFoundError when there never was one by that name: it must
   *   not look like something without effect
   */
  async preview({ target: named, cause, browserSessionId }: PreviewRequest): Promise<LogoutPreview> {
    const target = await this.targets.logoutTarget(named);
    const { upstream } = named;
    const preview = await this.previews.preview(target, cause, {
      browserSessionId,
      senderClientId:
        cause === 'upstream_logout' && upstream !== undefined
          ? (await this.upstreams.get(upstream)).peerClientId
          : undefined,
    });
    if (target.kind === 'session' && preview.sessionList.length === 0)
      throw new NotFoundError('There is no such session.');
    if (target.kind === 'grant' && preview.grantList.length === 0) throw new NotFoundError('There is no such grant.');
    return preview;
  }

  private end(target: BoundedTarget, operatorClientId: string): Promise<LogoutOutcome> {
    const initiator = { kind: 'operator', clientId: operatorClientId } as const;
    return this.logoutService.logout({ target, cause: 'admin', initiator });
  }
}
