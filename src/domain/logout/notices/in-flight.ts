import pLimit, { type LimitFunction } from 'p-limit';
import type { ClaimShares } from './delivery-queue.repository.js';
import type { DueDelivery } from './delivery.js';

/** Requests under way from this process, and to one application: a slow one holds its own share, not the others'. */
const MAX_IN_FLIGHT = 200;
const MAX_IN_FLIGHT_PER_CLIENT = 8;
const CLAIM_BATCH = 100;
/** When an application has so few of its share left, more of its notices are claimed. */
const REFILL_AT = 4;

/** Counts the notices that are claimed or waiting in this process, and gives each application its share of the requests. */
export class InFlight {
  private readonly all = pLimit(MAX_IN_FLIGHT);
  private readonly perClient = new Map<string, LimitFunction>();
  private readonly underWay = new Map<string, number>();
  /** Applications of which the last claim took all that they may have: there is probably more. */
  private readonly full = new Set<string>();

  /** How much the next claim may take; undefined: nothing. */
  shares(): ClaimShares | undefined {
    const room = MAX_IN_FLIGHT - [...this.underWay.values()].reduce((sum, count) => sum + count, 0);
    if (room <= 0) return undefined;
    return { limit: Math.min(room, CLAIM_BATCH), perClient: MAX_IN_FLIGHT_PER_CLIENT, underWay: this.underWay };
  }

  begin(clientId: string): void {
    this.underWay.set(clientId, (this.underWay.get(clientId) ?? 0) + 1);
  }

  /** After {@link begin} of what was claimed. */
  noteClaim(claimed: readonly DueDelivery[]): void {
    for (const { clientId } of claimed)
      if ((this.underWay.get(clientId) ?? 0) >= MAX_IN_FLIGHT_PER_CLIENT) this.full.add(clientId);
  }

  /** @returns whether more of this application's notices should be claimed: they wait in the table, not in front of others */
  done(clientId: string): boolean {
    const left = (this.underWay.get(clientId) ?? 1) - 1;
    if (left === 0) this.underWay.delete(clientId);
    else this.underWay.set(clientId, left);
    return left <= REFILL_AT && this.full.delete(clientId);
  }

  /** Runs `request` once the application and the process have room for it. */
  run<T>(clientId: string, request: () => Promise<T>): Promise<T> {
    let limit = this.perClient.get(clientId);
    if (limit === undefined) {
      limit = pLimit(MAX_IN_FLIGHT_PER_CLIENT);
      this.perClient.set(clientId, limit);
    }
    return limit(() => this.all(request));
  }
}
