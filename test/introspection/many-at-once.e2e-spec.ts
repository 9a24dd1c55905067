import { decodeJwt } from 'jose';
import { StatementBatch } from '../../src/platform/database/statement-batch.js';
import { TransactionRunner } from '../../src/platform/database/transaction.js';
import { ADMIN, TestApp, type Answer, type TestClient } from '../support/app.js';
import { holding, untilWaiting } from '../support/locks.js';

const MANY = 40;
/** What asks whether a token was revoked waits. */
const NO_TOKEN_IS_LOOKED_UP = 'LOCK TABLE revoked_access_tokens IN ACCESS EXCLUSIVE MODE';

describe('tokens that are asked about at once', () => {
  let app: TestApp;
  let client: TestClient;
  const query = vi.spyOn(TransactionRunner.prototype, 'query');
  const run = vi.spyOn(StatementBatch.prototype, 'run');

  beforeAll(async () => {
    app = await TestApp.start();
    client = await app.createClient();
  });
  afterAll(async () => {
    vi.restoreAllMocks();
    await app.stop();
  });

  const statements = (name: string): number => query.mock.calls.filter(([statement]) => statement.name === name).length;
  const token = async (): Promise<string> => {
    const { login } = await app.createAccount();
    return (await app.signInTo(app.browser(), client, login)).access_token;
  };
  const ownToken = async (): Promise<string> =>
    String((await app.form('/token', { grant_type: 'client_credentials' }, ADMIN)).body.access_token);
  const introspect = (of: string, as = client): Promise<Answer> => app.form('/introspect', { token: of }, as);

  /** Answers of requests that have all come before storage answers the first. */
  async function together(
    requests: readonly (() => Promise<Answer>)[],
    meanwhile: () => Promise<void> = async () => undefined,
  ): Promise<Answer[]> {
    run.mockClear();
    query.mockClear();
    const { started } = await holding(app.db, NO_TOKEN_IS_LOOKED_UP, [], async () => {
      const begun = requests.map((request) => request());
      await vi.waitUntil(() => run.mock.calls.length >= requests.length, { timeout: 15_000, interval: 5 });
      await meanwhile();
      return { started: begun };
    });
    return Promise.all(started);
  }

  it.each([
    ['of people', 'access_tokens_live_grant', token, () => client],
    ['of clients', 'access_tokens_live_client_token', ownToken, () => ADMIN as TestClient],
  ])('%s: as many introspections as there are take three statements', async (_, name, mint, as) => {
    const one = await mint();
    const answers = await together(Array.from({ length: MANY }, () => () => introspect(one, as())));
    expect(answers.map(({ status, body }) => [status, body.active])).toEqual(answers.map(() => [200, true]));
    expect(answers).toHaveLength(MANY);
    expect(statements(name)).toBeLessThanOrEqual(3);
  });

  it('userinfo tells each person of themself', async () => {
    const tokens = await Promise.all([token(), token(), token(), token()]);
    const answers = await together(tokens.map((of) => () => app.json('GET', '/userinfo', { token: of })));
    expect(answers.map(({ body }) => body.sub)).toEqual(tokens.map((of) => decodeJwt(of).sub));
    expect(statements('access_tokens_live_grant')).toBeLessThanOrEqual(3);
  });

  it('a revoked one, and one whose grant has ended, are told apart from the live ones among which they are', async () => {
    const tokens = await Promise.all([token(), token(), token(), token(), token()]);
    expect((await app.form('/revoke', { token: tokens[1] ?? '' }, client)).status).toBe(200);
    await app.db.query("UPDATE grants SET revoked_at = now(), revoked_cause = 'token_revoked' WHERE account_id = $1", [
      decodeJwt(tokens[3] ?? '').sub,
    ]);
    const answers = await together(tokens.map((of) => () => introspect(of)));
    expect(answers.map(({ body }) => body.active)).toEqual([true, false, true, false, true]);
    expect(answers.map(({ body }) => body.sub)).toEqual(
      tokens.map((of, n) => (n % 2 === 0 ? decodeJwt(of).sub : undefined)),
    );
  });

  it('revocations at once deny each its own, in few statements; the same token twice is denied once', async () => {
    const tokens = await Promise.all(Array.from({ length: 8 }, token));
    const [first = ''] = tokens;
    const revoked = [...tokens.slice(0, 6), first];
    const answers = await together(revoked.map((of) => () => app.form('/revoke', { token: of }, client)));
    expect(answers.map(({ status }) => status)).toEqual(revoked.map(() => 200));
    expect(statements('access_tokens_deny')).toBeLessThanOrEqual(4);
    const active = await Promise.all(tokens.map(async (of) => (await introspect(of)).body.active));
    expect(active).toEqual([false, false, false, false, false, false, true, true]);
  });

  it('one whose connection is lost gets 503 where it went alone; those that went together are asked again', async () => {
    const tokens = await Promise.all(Array.from({ length: 6 }, token));
    const answers = await together(
      tokens.map((of) => () => introspect(of)),
      async () => {
        // One went at once; the other five went together when it took its time.
        await untilWaiting(app.db, 2);
        await app.db.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
        );
      },
    );
    expect(answers.filter(({ status }) => status === 503)).toHaveLength(1);
    expect(answers.filter(({ status, body }) => status === 200 && body.active === true)).toHaveLength(5);
  });

  it('a token that cannot be denied is a 503 for the one who asked, and for no other', async () => {
    const [held, ...others] = await Promise.all([token(), token(), token()]);
    const { jti, sub } = decodeJwt(held);
    const revoke = (of: string): Promise<Answer> => app.form('/revoke', { token: of }, client);
    const hold = 'INSERT INTO revoked_access_tokens (account_id, jti, expires_at) VALUES ($2, $1, now())';
    const answers = await holding(app.db, hold, [jti, sub], async (holder) => {
      const given = await Promise.all([held, ...others].map(revoke));
      await holder.query('ROLLBACK; BEGIN');
      return given;
    });
    expect(answers.map(({ status }) => status)).toEqual([503, 200, 200]);
    expect((await introspect(held)).body.active).toBe(true);
    expect((await introspect(others[0] ?? '')).body.active).toBe(false);
  });

  it('when storage fails each of them is a 503 with Retry-After', async () => {
    const one = await token();
    await app.db.query('ALTER TABLE revoked_access_tokens RENAME TO revoked_access_tokens_away');
    const answers = await Promise.all(Array.from({ length: 10 }, () => introspect(one)));
    await app.db.query('ALTER TABLE revoked_access_tokens_away RENAME TO revoked_access_tokens');
    expect(answers.map(({ status, headers }) => [status, headers.has('retry-after')])).toEqual(
      answers.map(() => [503, true]),
    );
    expect((await introspect(one)).body.active).toBe(true);
  });
});
