import pg from 'pg';

/** Each every 15 seconds, off any request's path: for all sessions together, and for the clock. */
const BACKGROUND = new Set(['sessions_touch', 'database_time']);
const DELIVERY = /^logout_deliveries_/;

type Query = (this: unknown, ...args: unknown[]) => unknown;

/** Notes each statement that this process sends to Postgres while `work` runs, the limits of transactions aside. */
export class StatementCounter {
  private names: string[] | undefined;
  private readonly prototype: { query: Query } = pg.Client.prototype;
  private readonly original: Query;

  constructor() {
    const { prototype } = this;
    this.original = prototype.query;
    const note = (query: unknown): void => this.note(query);
    const { original } = this;
    prototype.query = function (this: unknown, ...args: unknown[]) {
      note(args[0]);
      return original.apply(this, args);
    };
  }

  restore(): void {
    this.prototype.query = this.original;
  }

  async during(
    work: () => Promise<unknown>,
  ): Promise<{ readonly statements: string[]; readonly deliveries: string[] }> {
    this.names = [];
    await work();
    const names = this.names;
    this.names = undefined;
    return {
      statements: names.filter((name) => !DELIVERY.test(name)),
      deliveries: names.filter((name) => DELIVERY.test(name)),
    };
  }

  private note(query: unknown): void {
    const { name, text = String(query) } = (typeof query === 'object' ? query : {}) as { name?: string; text?: string };
    if (name !== undefined && BACKGROUND.has(name)) return;
    if (/^\s*(BEGIN|START TRANSACTION|COMMIT|ROLLBACK|LISTEN|SELECT pg_notify)/i.test(text)) return;
    this.names?.push(name ?? text);
  }
}
