import { Injectable } from '@nestjs/common';
import type { Tx } from '../../../platform/database/transaction.js';
import type { LogoutCommand, LogoutInitiator, LogoutTarget, OrderableTarget } from '../command/logout.js';
import { ROWS_OF } from './large-targets.sql.js';
import type { NewLogoutOrder, OrderTarget } from './logout-order.js';
import { LogoutOrdersService } from './logout-orders.service.js';

/** Participations, or grants, that a logout ends in the request that asks for it. It takes some 60 microseconds for each. */
export const ENDED_AT_ONCE = 500;

/**
 * Decides whether a logout is carried out at once or ordered. What an operator does in an emergency must not take longer
 * the more sessions an application has, nor fail where it has too many (docs/decisions/0057-nothing-an-operator-does-grows.md).
 */
@Injectable()
export class LargeTargets {
  constructor(private readonly orders: LogoutOrdersService) {}

  /** More than {@link ENDED_AT_ONCE}. Reads about as many rows, however many there are. */
  async is(tx: Tx, target: LogoutTarget): Promise<boolean> {
    if (!mayBeLarge(target)) return false;
    const limit = ENDED_AT_ONCE + 1;
    const [row] = await tx.query(ROWS_OF[target.kind], { targetId: idOf(target), limit });
    return (row?.rows ?? 0) > ENDED_AT_ONCE;
  }

  /**
   * Everything of the target that began before is dead with the commit; records, notices and receipts name the command's
   * cause and initiator as if it had been carried out.
   * @returns the order's id
   */
  order(tx: Tx, command: LogoutCommand<LogoutTarget>): Promise<string> {
    const { target, cause, targetName } = command;
    if (!mayBeLarge(target)) throw new Error(`a logout of the kind ${target.kind} is not ordered`);
    return this.orders.placeWithin(tx, {
      target: orderTarget(target, targetName),
      cause,
      reason: undefined,
      notifyPerSecond: undefined,
      ...placedBy(command.initiator),
    });
  }
}

/** All of it: an order spares no session. */
function mayBeLarge(target: LogoutTarget): target is OrderableTarget {
  return target.kind in ROWS_OF && !('exceptSessionId' in target && target.exceptSessionId !== undefined);
}

function idOf(target: OrderableTarget): string {
  if (target.kind === 'upstream') return target.upstreamId;
  return target.kind === 'account' ? target.accountId : target.clientId;
}

function orderTarget(target: OrderableTarget, name: string | undefined): OrderTarget {
  if (target.kind === 'account') return { kind: 'account', accountId: target.accountId };
  return target.kind === 'upstream' ? { ...target, name: name ?? target.upstreamId } : target;
}

function placedBy(initiator: LogoutInitiator): Pick<NewLogoutOrder, 'operator' | 'orderedBy'> {
  if (initiator.kind !== 'operator' && initiator.kind !== 'client')
    throw new Error(`a logout by ${initiator.kind} is not ordered`);
  return { operator: initiator.clientId, orderedBy: initiator.kind };
}
