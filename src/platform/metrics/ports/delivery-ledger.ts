/** How the notices stand, as storage says. */
export interface LedgerFigures {
  /** By state, counted to 10,000: `pending` whatever their age, the others of the last 24 hours. */
  readonly deliveries: Readonly<Record<string, number>>;
  /** 0 when nothing is pending. */
  readonly oldestPendingSeconds: number;
}

/** What is a fact of storage, the same on every node, and asked at each scrape. `logout` binds it. */
export abstract class DeliveryLedger {
  /** Undefined when storage is away: then there is no value, rather than an old one. */
  abstract figures(): Promise<LedgerFigures | undefined>;

  /** How many applications' notices wait because they failed several times in a row. */
  abstract countOpenBreakers(): Promise<number>;
}
