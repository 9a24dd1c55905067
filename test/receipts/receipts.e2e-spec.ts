import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { Logger } from '@nestjs/common';
import pg from 'pg';
import { writeTerminations } from '../support/ledger.js';
import { Retention } from '../../src/platform/database/retention.js';
import { KeyMaintenance } from '../../src/platform/keys/key-maintenance.js';
import { LogoutService } from '../../src/domain/logout/command/logout.service.js';
import { receiptHash, type ReceiptClaims } from '../../src/domain/logout/receipts/receipt.js';
import { TestApp, type Answer } from '../support/app.js';
import { untilWaiting } from '../support/locks.js';
import { DAY, MINUTE } from '../support/clock.js';
import { StubRelyingParty } from '../support/stub-relying-party.js';
import { clientOf, someoneAt, terminationsOf } from '../back-channel-logout/scene.js';
import { signOut } from '../rp-initiated-logout/end-session.js';

interface Line {
  readonly sequence: number;
  readonly termination_id: string;
  readonly revision: number;
  readonly hash: string;
  readonly previous_hash: string | null;
  readonly receipt: string;
}

describe('receipts of logouts', () => {
  let app: TestApp;
  let second: TestApp;
  let party: StubRelyingParty;

  beforeAll(async () => {
    app = await TestApp.start();
    // As nodes of one service have it: a receipt says whose it is.
    second = await TestApp.start({ issuer: app.issuer }, { db: app.db, clock: app.clock });
  });
  beforeEach(async () => {
    party = await StubRelyingParty.start();
    await issueAll();
  });
  afterEach(() => party.stop());
  afterAll(async () => {
    await second.stop();
    await app.stop();
  });

  async function issueAll(): Promise<void> {
    while ((await app.issueReceipts()) > 0);
  }
  /** With a token of its own each time, since the clock goes on for days. */
  const read = async (path: string): Promise<Answer> =>
    app.json('GET', `/admin/v1/${path}`, { token: await app.adminToken() });
  const readText = async (path: string): Promise<string> => {
    const headers = { authorization: `Bearer ${await app.adminToken()}` };
    return (await fetch(`${app.issuer}/admin/v1/${path}`, { headers })).text();
  };
  const receiptOf = (id: string): Promise<Answer> => read(`terminations/${id}/receipt`);
  const claimsOf = (answer: Answer): ReceiptClaims => decodeJwt<ReceiptClaims>(String(answer.body.receipt));
  const exported = async (after = 0): Promise<Line[]> => {
    const text = await readText(`receipts?after=${after}`);
    return text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Line);
  };
  /** Somebody who signed out of the stub's application; `answers` are what it says. */
  async function signedOut(
    ...answers: number[]
  ): Promise<{ readonly id: string; readonly accountId: string; readonly clientId: string }> {
    const client = await clientOf(app, party);
    const { browser, accountId } = await someoneAt(app, [client]);
    party.answerNext(...answers);
    await signOut(browser);
    await app.sendDue();
    const [termination] = await terminationsOf(app, accountId);
    return { id: termination!.id, accountId, clientId: client.clientId };
  }
  /** Terminations of nobody in particular. */
  const terminations = (count: number): Promise<unknown> => writeTerminations(app.db, count, app.clock.now());

  it('says who, why, when and what came of it, signed, and nothing that identifies a person to others (threat-model#other-peoples-sessions)', async () => {
    const { id, accountId, clientId } = await signedOut(200);
    await issueAll();
    const answer = await receiptOf(id);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const jws = String(answer.body.receipt);
    expect(decodeProtectedHeader(jws)).toMatchObject({ alg: 'ES256', typ: 'logout-receipt+jwt' });
    expect(claimsOf(answer)).toEqual({
      iss: app.issuer,
      iat: app.clock.seconds(),
      jti: expect.any(String),
      sequence: answer.body.sequence,
      previous: answer.body.previous_hash,
      termination_id: id,
      revision: 1,
      cause: 'end_session',
      initiator: 'user',
      account_id: accountId,
      ended_at: app.clock.now().toISOString(),
      sessions: 1,
      grants_revoked: 1,
      applications: [
        {
          client_id: clientId,
          outcome: 'delivered',
          notices: 1,
          attempts: 1,
          finished_at: app.clock.now().toISOString(),
        },
      ],
    });
    expect(answer.body).toMatchObject({ state: 'final', revision: 1, hash: receiptHash(jws) });
    for (const secret of [party.origin, 'example.com', '127.0.0.1'])
      expect(Buffer.from(jws.split('.')[1]!, 'base64url').toString()).not.toContain(secret);
  });

  it('is owed while a notice is pending: 202, unsigned; and issued once it has ended', async () => {
    const { id, clientId } = await signedOut(500);
    expect(await app.issueReceipts()).toBe(0);
    const pending = await receiptOf(id);
    expect(pending.status).toBe(202);
    expect(pending.body).toEqual({
      state: 'pending',
      termination_id: id,
      ended_at: app.clock.now().toISOString(),
      applications: [{ client_id: clientId, outcome: 'pending', notices: 1, attempts: 1 }],
    });
    app.clock.advance(MINUTE);
    await app.sendDue();
    expect((await receiptOf(id)).status).toBe(202);
    await issueAll();
    const answer = await receiptOf(id);
    expect(answer.status).toBe(200);
    expect(claimsOf(answer).applications).toMatchObject([{ outcome: 'delivered', attempts: 2 }]);
  });

  it.each([
    ['rejected', 400],
    ['abandoned', 500],
  ])('says so when an application %s it', async (outcome, status) => {
    const { id } = await signedOut(status);
    if (status === 500) {
      party.always(500);
      app.clock.advance(2 * DAY);
      await app.sendDue();
    }
    await issueAll();
    expect(claimsOf(await receiptOf(id)).applications).toMatchObject([{ outcome }]);
  });

  it('is issued at once where nobody was owed a notice', async () => {
    const { id: accountId, login } = await app.createAccount();
    await app.signInTo(app.browser(), await app.createClient(), login);
    const outcome = await app.app
      .get(LogoutService)
      .logout({ target: { kind: 'account', accountId }, cause: 'admin', initiator: { kind: 'system' } });
    await issueAll();
    const answer = await receiptOf(outcome.kind === 'ended' ? outcome.terminationId : '');
    expect(claimsOf(answer)).toMatchObject({ cause: 'admin', initiator: 'system', applications: [] });
  });

  it('gets a successor when a notice that was sent again ends anew', async () => {
    const { id } = await signedOut(400);
    await issueAll();
    const before = await receiptOf(id);
    const asked = new Promise<() => void>((resolve) => {
      party.answerNext((_request, response) => resolve(() => response.writeHead(200).end()));
    });
    const resent = app.json('POST', '/admin/v1/deliveries/resend', {
      token: await app.adminToken(),
      body: { termination_id: id },
    });
    expect((await resent).status).toBe(200);
    const accept = await asked;
    expect((await receiptOf(id)).status).toBe(202);
    expect(await app.issueReceipts()).toBe(0);
    accept();
    await app.sendDue();
    await issueAll();
    const after = await receiptOf(id);
    expect(claimsOf(after)).toMatchObject({
      revision: 2,
      supersedes: before.body.sequence,
      applications: [{ outcome: 'delivered', attempts: 2 }],
    });
    expect((await exported()).map(({ receipt }) => receipt)).toContain(before.body.receipt);
    expect(await app.issueReceipts()).toBe(0);
  });

  it('gets a successor when a notice that was sent again ends while the receipt is being signed', async () => {
    const { id } = await signedOut(400);
    // What an issuer does: the row is locked, the notices are read, and then it signs.
    const issuer = new pg.Client({ connectionString: app.db.url });
    await issuer.connect();
    await issuer.query('BEGIN');
    await issuer.query('SELECT 1 FROM logout_receipts_owed WHERE termination_id = $1 FOR UPDATE', [id]);
    const token = await app.adminToken();
    await app.json('POST', '/admin/v1/deliveries/resend', { token, body: { termination_id: id } });
    await untilWaiting(app.db);
    await issuer.query('DELETE FROM logout_receipts_owed WHERE termination_id = $1', [id]);
    await issuer.query('COMMIT');
    await issuer.end();
    await app.sendDue();
    expect(await app.db.query('SELECT 1 FROM logout_receipts_owed WHERE termination_id = $1', [id])).toHaveLength(1);
  });

  it('gets a successor also when a notice that was sent again ends without an attempt', async () => {
    const { id, clientId } = await signedOut(400);
    await issueAll();
    const before = await receiptOf(id);
    party.always(500);
    const token = await app.adminToken();
    await app.json('POST', '/admin/v1/deliveries/resend', { token, body: { termination_id: id } });
    await app.sendDue();
    expect((await receiptOf(id)).status).toBe(202);
    await app.json('PATCH', `/admin/v1/clients/${clientId}`, { token, body: { backchannel_logout_uri: null } });
    await issueAll();
    expect(claimsOf(await receiptOf(id))).toMatchObject({
      revision: 2,
      supersedes: before.body.sequence,
      applications: [{ outcome: 'abandoned' }],
    });
  });

  it('answers 404 for what there is not, 401 and 403 to who may not', async () => {
    for (const id of ['0197f4a2-7c1e-7c3b-9a51-0b8e4b7a8a10', 'nonsense'])
      expect((await receiptOf(id)).status).toBe(404);
    const { id } = await signedOut(200);
    await issueAll();
    const client = await app.createClient({ grant_types: ['client_credentials'], redirect_uris: [], scope: 'reports' });
    const { body } = await app.form('/token', { grant_type: 'client_credentials' }, client);
    for (const path of [`terminations/${id}/receipt`, 'receipts', 'receipts/jwks']) {
      expect((await app.json('GET', `/admin/v1/${path}`)).status).toBe(401);
      const foreign = await app.json('GET', `/admin/v1/${path}`, { token: String(body.access_token) });
      expect([foreign.status, foreign.text]).toEqual([403, expect.not.stringContaining('eyJ')]);
    }
    expect((await read('receipts?after=x')).status).toBe(400);
  });

  it('forms one chain, whichever of two nodes issues and however often', async () => {
    await terminations(700);
    const before = (await exported()).length;
    let issued = 0;
    // A node that finds the other one at it has nothing to do; sooner or later everything is issued, once.
    for (let idle = 0; idle < 3;) {
      const round = await Promise.all([app.issueReceipts(), second.issueReceipts(), app.issueReceipts()]);
      issued += round[0] + round[1];
      idle = round.every((count) => count === 0) ? idle + 1 : 0;
    }
    expect(issued).toBe(700);
    const lines = await exported();
    expect(lines).toHaveLength(before + 700);
    expect(lines.map(({ sequence }) => sequence)).toEqual(lines.map((_, index) => index + 1));
    for (const [index, line] of lines.entries()) expect(line.previous_hash).toBe(lines[index - 1]?.hash ?? null);
    expect(new Set(lines.map(({ termination_id, revision }) => `${termination_id} ${revision}`)).size).toBe(
      lines.length,
    );
    expect((await exported(lines.length - 3)).map(({ sequence }) => sequence)).toEqual(
      lines.slice(-3).map(({ sequence }) => sequence),
    );
  });

  it('is on record, a batch at a time', async () => {
    await terminations(3);
    await issueAll();
    const { body } = await read('audit-events?event=receipts_issued&limit=1');
    expect(body.items).toMatchObject([{ outcome: 'done', details: { count: 3 } }]);
  });

  it('is not lost behind many that are long in coming', async () => {
    const early = `('00000000-0000-7000-8000-' || lpad(i::text, 12, '0'))::uuid`;
    await writeTerminations(app.db, 1200, app.clock.now(), early);
    await app.db.query(
      `INSERT INTO logout_deliveries (id, termination_id, client_id, cause, sub, sid, state, attempts, next_attempt_at, created_at)
       SELECT gen_random_uuid(), ${early}, $2, 'admin', 'sub', NULL, 'pending', 0, $3, $1 FROM generate_series(1, 1200) i`,
      [app.clock.now(), (await clientOf(app, party)).clientId, new Date(app.clock.now().getTime() + DAY)],
    );
    await terminations(1);
    let issued = 0;
    for (let poll = 0; poll < 4; poll += 1) issued += await app.issueReceipts();
    expect(issued).toBe(1);
    await app.db.query(`DELETE FROM session_terminations WHERE id::text LIKE '00000000-0000-7000-8000-%'`);
    for (const table of ['logout_deliveries', 'logout_receipts_owed'])
      await app.db.query(`DELETE FROM ${table} WHERE termination_id::text LIKE '00000000-0000-7000-8000-%'`);
  });

  describe('npm run verify-receipts', () => {
    let folder: string;
    let lines: string[];

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'exeunt-receipts-'));
      await terminations(5);
      await issueAll();
      const text = await readText('receipts');
      lines = text.split('\n').filter(Boolean);
      const jwks = await readText('receipts/jwks');
      writeFileSync(join(folder, 'keys.json'), jwks);
    });
    afterAll(() => rmSync(folder, { recursive: true }));

    function verify(
      content: readonly string[],
      jwks = join(folder, 'keys.json'),
      ...more: string[]
    ): Promise<{ readonly code: number | null; readonly out: string }> {
      const file = join(folder, 'receipts.ndjson');
      writeFileSync(file, content.map((line) => `${line}\n`).join(''));
      const child = spawn(process.execPath, ['scripts/verify-receipts.mjs', file, '--jwks', jwks, ...more]);
      let out = '';
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', (chunk: Buffer) => (out += chunk.toString()));
      return new Promise((resolve) => child.on('close', (code) => resolve({ code, out })));
    }
    const altered = (index: number, change: (line: Record<string, unknown>) => Record<string, unknown>): string[] =>
      lines.map((line, at) =>
        at === index ? JSON.stringify(change(JSON.parse(line) as Record<string, unknown>)) : line,
      );

    it('is content with an export, by file and by URL', async () => {
      expect(await verify(lines, undefined, '--issuer', app.issuer)).toEqual({
        code: 0,
        out: expect.stringContaining('the chain is whole'),
      });
      expect((await verify(lines, `${app.issuer}/jwks`)).code).toBe(0);
    });

    describe('with the end that an earlier run printed', () => {
      const end = (index: number): readonly [string, string] => {
        const line = JSON.parse(lines[index]!) as Line;
        return [String(line.sequence), line.hash];
      };
      const keep = ([after, head]: readonly [string, string]) => ['--after', after, '--head', head];

      it('prints it, and is content when a later export leads to it', async () => {
        const [after, head] = end(2);
        expect((await verify(lines.slice(0, 3))).out).toContain(`--after ${after} --head ${head}`);
        for (const more of [keep([after, head]), ['--after', after], ['--head', head]])
          expect([more, await verify(lines, undefined, ...more)]).toEqual([
            more,
            { code: 0, out: expect.stringContaining('It leads to the end that was kept.') },
          ]);
        // An export from there on, as `?after=` gives it.
        expect((await verify(lines.slice(3), undefined, ...keep([after, head]))).code).toBe(0);
      });

      it.each<[string, () => string[], () => string[], RegExp]>([
        ['the end was cut off', () => lines.slice(0, -2), () => keep(end(lines.length - 1)), /^the end was cut off/m],
        [
          'it is known by its hash alone',
          () => lines.slice(0, -2),
          () => ['--head', end(lines.length - 1)[1]],
          /is not there/,
        ],
        ['it was written anew', () => lines, () => keep([end(2)[0], 'x'.repeat(43)]), /another one than was kept/],
        [
          'its hash begins with a dash',
          () => lines,
          () => keep([end(2)[0], `-${'x'.repeat(42)}`]),
          /another one than was kept/,
        ],
        [
          'a later part was',
          () => lines.slice(3),
          () => keep([end(2)[0], 'x'.repeat(43)]),
          /another one than was kept/,
        ],
        ['what leads there is missing', () => lines.slice(4), () => keep(end(2)), /^it begins at/m],
      ])('is not content when %s', async (_what, content, more, words) => {
        const { code, out } = await verify(content(), undefined, ...more());
        expect([code, out]).toEqual([1, expect.stringMatching(words)]);
        expect(out).not.toContain('the chain is whole');
      });

      it.each([['--after', 'x'], ['--after=-1'], ['--after', '1.5']])('refuses %j', async (...more) => {
        expect(await verify(lines, undefined, ...more)).toEqual({ code: 1, out: expect.stringContaining('usage') });
      });
    });

    it('takes no receipt from a time in which its key did not sign', async () => {
      const { keys } = JSON.parse(await readText('receipts/jwks')) as { keys: Record<string, unknown>[] };
      expect(keys).toEqual(keys.map(() => expect.objectContaining({ nbf: expect.any(Number) })));
      const { iat } = decodeJwt(String((JSON.parse(lines[0]!) as Record<string, unknown>).receipt));
      for (const [name, change] of [
        ['early', { nbf: Number(iat) + 1 }],
        ['late', { exp: Number(iat) - 1 }],
      ] as const) {
        writeFileSync(
          join(folder, `${name}.json`),
          JSON.stringify({ keys: keys.map((key) => ({ ...key, ...change })) }),
        );
        const { code, out } = await verify(lines, join(folder, `${name}.json`));
        expect([name, code, out]).toEqual([
          name,
          1,
          expect.stringMatching(/^line 1: the key .* did not sign at that time/m),
        ]);
      }
    });

    it('is not content with nothing, as an export that was cut off before its first byte', async () => {
      expect(await verify([])).toEqual({ code: 1, out: expect.stringContaining('nothing was checked') });
    });

    it('begins anywhere, since the oldest receipts leave', async () => {
      const { code, out } = await verify(lines.slice(2));
      expect([code, out]).toEqual([0, expect.stringContaining('begins at 3')]);
    });

    it('names the line of which one byte was changed', async () => {
      for (const place of [30, 200, -2]) {
        const changed = altered(3, (line) => {
          const jws = String(line.receipt);
          const at = place < 0 ? jws.length + place : place;
          return { ...line, receipt: jws.slice(0, at) + (jws[at] === 'A' ? 'B' : 'A') + jws.slice(at + 1) };
        });
        const { code, out } = await verify(changed);
        expect([place, code, out]).toEqual([place, 1, expect.stringMatching(/^line 4: /m)]);
        expect(out).not.toMatch(/^line [1-3]: /m);
      }
    });

    it.each([
      ['a line is missing', () => lines.toSpliced(2, 1), /^line 3: there is a gap: 3 is missing/m],
      ['lines are swapped', () => [lines[1]!, lines[0]!, ...lines.slice(2)], /^line 2: it is out of order/m],
      [
        'a line is there twice',
        () => lines.toSpliced(2, 0, lines[1]!),
        /^line 3: (the sequence 2 is there twice|there is another)/m,
      ],
      ['a line is cut off', () => [...lines.slice(0, 2), lines[2]!.slice(0, 90)], /^line 3: it is no JSON/m],
      [
        'what stands beside the receipt differs',
        () => altered(1, (line) => ({ ...line, sequence: 9 })),
        /^line 2: sequence is not/m,
      ],
      ['a hash differs', () => altered(1, (line) => ({ ...line, hash: 'x' })), /^line 2: its hash/m],
    ])('says which line is wrong when %s', async (_what, content, words) => {
      const { code, out } = await verify(content());
      expect([code, out]).toEqual([1, expect.stringMatching(words)]);
    });

    it('takes no receipt of another issuer, nor one that a foreign key signed, nor another kind of token', async () => {
      expect((await verify(lines, undefined, '--issuer', 'https://other.example')).out).toMatch(
        /^line 1: it is a receipt of/m,
      );
      writeFileSync(join(folder, 'none.json'), '{"keys":[]}');
      expect((await verify(lines, join(folder, 'none.json'))).out).toMatch(
        /^line 1: the key .* is not in the key set/m,
      );
      const accessToken = await app.adminToken();
      const tokens = altered(0, (line) => ({ ...line, receipt: accessToken }));
      expect((await verify(tokens)).out).toMatch(/^line 1: the JWS is a at\+jwt/m);
    });

    it('still verifies when the key has retired and left /jwks', async () => {
      await app.app.get(KeyMaintenance).rotate(true);
      app.clock.advance(30 * DAY);
      expect((await verify(lines, `${app.issuer}/jwks`)).code).toBe(1);
      writeFileSync(join(folder, 'all.json'), await readText('receipts/jwks'));
      expect((await verify(lines, join(folder, 'all.json'))).code).toBe(0);
    });
  });

  it('leaves from the oldest end; the newest stays, and the chain goes on from it', async () => {
    const before = await exported();
    app.clock.advance(91 * DAY);
    await app.app.get(Retention).sweep();
    expect((await exported()).map(({ sequence }) => sequence)).toEqual([before.length]);
    await terminations(1);
    await issueAll();
    const [last, next] = await exported();
    expect(next).toMatchObject({ sequence: before.length + 1, previous_hash: last!.hash });
  });

  describe('the end of the chain, where no SQL reaches', () => {
    // The framework's logger is one for all nodes of this process.
    const said = vi.spyOn(Logger.prototype, 'log');
    const alerts = vi.spyOn(Logger.prototype, 'error');
    afterAll(() => {
      said.mockRestore();
      alerts.mockRestore();
    });
    const metric = async (name: string): Promise<number> =>
      Number(new RegExp(`^${name} (\\d+)$`, 'm').exec((await app.json('GET', '/metrics')).text)?.[1]);

    it('is in the log and in the metrics', async () => {
      await terminations(2);
      await issueAll();
      const last = (await exported()).at(-1)!;
      expect(said.mock.calls.flat()).toContain(`receipts end at ${last.sequence} ${last.hash}`);
      expect(await metric('exeunt_receipts_head_sequence')).toBe(last.sequence);
    });

    it('that was cut in storage is noticed at the next receipt, and the gap stays to be seen', async () => {
      await terminations(3);
      await issueAll();
      const before = await exported();
      const last = before.at(-1)!;
      const cuts = await metric('exeunt_receipts_chain_cut_total');
      // With their terminations, as somebody would who wants nobody to ask for a receipt.
      await app.db.query(
        `WITH r AS (DELETE FROM logout_receipts WHERE sequence > $1 RETURNING termination_id)
         DELETE FROM session_terminations t USING r WHERE t.id = r.termination_id`,
        [last.sequence - 2],
      );
      await terminations(1);
      await issueAll();
      expect(alerts.mock.calls.flat().join()).toContain(
        `ALERT the chain of receipts was cut: ${last.sequence} ${last.hash}`,
      );
      expect(await metric('exeunt_receipts_chain_cut_total')).toBe(cuts + 1);
      const after = await exported();
      expect(after.at(-1)).toMatchObject({ sequence: last.sequence + 1, previous_hash: last.hash });
      // Said once; what the chain says stays.
      await terminations(1);
      await issueAll();
      expect(await metric('exeunt_receipts_chain_cut_total')).toBe(cuts + 1);
    });
  });
});
