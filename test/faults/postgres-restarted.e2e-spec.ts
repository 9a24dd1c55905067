import { join } from 'node:path';
import pg from 'pg';
import {
  startEmbeddedPostgres,
  type EmbeddedPostgres,
} from '../../src/platform/database/embedded/embedded-postgres.js';
import { postgresProcessesIn } from '../../src/platform/database/embedded/processes.js';
import { aDataDirectory, buildOnce, Operator, remove, type Service } from '../start/service.js';
import { Browser } from '../support/http.js';
import {
  allAre,
  allAreReceipted,
  Application,
  count,
  isActive,
  ledger,
  refresh,
  signedIn,
  startNode,
  verifiedReceipts,
  WAIT,
  type Database,
  type SignedIn,
} from './scene.js';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const PEOPLE = 60;
const AT_ONCE = 6;
/** How many requests must have failed before Postgres comes back: that it was away has been noticed. */
const FAILURES = 12;

describe('Postgres dies, restarts and falls silent while people refresh and sign out', () => {
  let dataDir: string;
  let postgres: EmbeddedPostgres;
  let pool: pg.Pool;
  let db: Database;
  let node: Service;
  let application: Application;
  let people: SignedIn[];
  let operator: Operator;
  const signedOut = new Set<string>();
  /** Each answer that was not the one that was hoped for. */
  const failures: { readonly who: number; readonly said: string }[] = [];

  beforeAll(async () => {
    buildOnce();
    dataDir = aDataDirectory();
    postgres = await startEmbeddedPostgres({ dataDir });
    pool = new pg.Pool({ connectionString: postgres.url, max: 3 });
    pool.on('error', () => undefined);
    db = { query: async (sql, values = []) => (await pool.query(sql, values)).rows as never };
    // A refresh whose answer is lost is repeated, be it a while later.
    node = await startNode(postgres.url, { REFRESH_GRACE_SECONDS: '60' });
    operator = await Operator.at(node.base);
    application = await Application.register(operator, 'Ledger');
    people = await signedIn(db, 'person', PEOPLE, [application]);

    const waiting = [...people];
    const all = Promise.all(
      Array.from({ length: AT_ONCE }, async (_, who) => {
        for (let person = waiting.shift(); person !== undefined; person = waiting.shift()) await live(person, who);
      }),
    );
    try {
      await Promise.race([all, disturb()]);
      await all;
    } catch (error) {
      throw new Error(`the node said:\n${node.output.slice(-4000)}`, { cause: error });
    }
  });
  afterAll(async () => {
    await node.stop();
    await pool.end();
    await postgres.stop();
    await application.stop();
    remove(dataDir);
  });

  /** One death without a word, one orderly restart, and a while of silence, each amid the work. */
  async function disturb(): Promise<void> {
    for (const [after, goes] of [
      [PEOPLE / 6, () => process.kill(postgres.pid, 'SIGKILL')],
      [PEOPLE / 3, () => postgres.stop()],
    ] as const) {
      await vi.waitUntil(() => signedOut.size >= after, WAIT);
      const before = failures.length;
      await goes();
      await vi.waitUntil(() => failures.length >= before + FAILURES, WAIT);
      postgres = await startEmbeddedPostgres({ dataDir });
    }
    await vi.waitUntil(() => signedOut.size >= PEOPLE / 2, WAIT);
    const { length } = failures;
    // Elsewhere than on Linux none are found, and this part is left out.
    const silenced = postgresProcessesIn(join(dataDir, 'postgres'));
    for (const pid of silenced) process.kill(pid, 'SIGSTOP');
    try {
      // Those too whose question it had taken already get an answer, and not only when it comes back.
      const answered = (): Set<number> => new Set(failures.slice(length).map(({ who }) => who));
      if (silenced.length > 0) await vi.waitUntil(() => answered().size === AT_ONCE, WAIT);
    } finally {
      for (const pid of silenced) process.kill(pid, 'SIGCONT');
    }
  }

  /** Refreshes, then signs out, each until it is answered as it should be. */
  async function live(person: SignedIn, who: number): Promise<void> {
    let token = person.refreshToken;
    for (let i = 0; i < 2; i += 1) {
      const body = await insist(who, 'refresh', async () => {
        const response = await refresh(node.base, application, token);
        const text = await response.text();
        return { status: response.status, done: response.status === 200, body: text };
      });
      token = (JSON.parse(body) as { refresh_token: string }).refresh_token;
    }
    if (people.indexOf(person) % 2 === 0) await insist(who, 'page', () => signOut(person));
    else await insist(who, 'order', () => end(person));
    signedOut.add(person.sid);
    latest.set(person.sid, token);
  }

  const latest = new Map<string, string>();

  /** The person's own way: the page that asks, and yes. */
  async function signOut(person: SignedIn): Promise<Said> {
    const browser = new Browser(node.base);
    browser.setCookie('exeunt_session', person.cookie);
    const dialog = await browser.get('/session/end_session');
    // The dialog's page has found the session's end already, when the answer to an earlier yes was lost.
    const page = dialog.has('logout-yes') ? await browser.submit(dialog, 'logout-yes') : dialog;
    return { status: page.status, done: page.status < 400, body: page.body };
  }

  async function end({ sessionId }: SignedIn): Promise<Said> {
    const response = await operator.request('DELETE', `/sessions/${sessionId}`);
    return { status: response.status, done: response.ok, body: await response.text() };
  }

  interface Said {
    readonly status: number;
    readonly done: boolean;
    readonly body: string;
  }

  function insist(who: number, what: string, ask: () => Promise<Said>): Promise<string> {
    return vi.waitUntil(async () => {
      const { status, done, body } = await ask();
      if (!done) failures.push({ who, said: `${what}: ${status}` });
      return done && body;
    }, WAIT);
  }

  it('answers 503 while it is away, and nothing else that is no success', () => {
    const words = count(failures.map(({ said }) => said));
    expect([...words.keys()].filter((word) => !word.endsWith(': 503'))).toEqual([]);
    expect(failures.length).toBeGreaterThanOrEqual(2 * FAILURES);
  });

  it('has everybody who was told so signed out: in the ledger, delivered, and nothing of theirs alive', async () => {
    expect(signedOut.size).toBe(PEOPLE);
    await allAre(db, 'delivered', PEOPLE);
    expect([...(await ledger(db)).keys()].toSorted()).toEqual([...signedOut].toSorted());
    expect(
      await db.query(
        `SELECT count(*)::int AS sessions, count(terminated_at)::int AS ended, count(DISTINCT termination_id)::int AS terminations FROM sessions`,
      ),
    ).toEqual([{ sessions: PEOPLE, ended: PEOPLE, terminations: PEOPLE }]);
    for (const [sid, token] of latest) {
      expect(await isActive(node.base, application, token), sid).toBe(false);
      expect((await refresh(node.base, application, token)).status, sid).toBe(400);
    }
  });

  it('has a receipt for each of them, in a chain that is whole', async () => {
    await allAreReceipted(db, PEOPLE);
    const { ok, words } = await verifiedReceipts(operator);
    expect(words).toContain(`${PEOPLE} receipts, 1 to ${PEOPLE}: every signature fits, the chain is whole.`);
    expect(ok).toBe(true);
  });

  it('tells each application once, and again only where what it answered could not be written down', () => {
    const told = count(application.accepted);
    expect([...told.keys()].toSorted()).toEqual([...signedOut].toSorted());
    const twice = application.accepted.length - PEOPLE;
    const lost = node.output.split('an attempt was not recorded and will be made again').length - 1;
    // While storage is away one line a second is written, which counts the others.
    const counted = [...node.output.matchAll(/and (\d+) more failures of storage/g)];
    const more = counted.reduce((sum, [, n]) => sum + Number(n), 0);
    expect(twice).toBeLessThanOrEqual(lost + more);
  });
});
