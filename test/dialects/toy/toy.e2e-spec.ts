import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { randomUUID } from 'node:crypto';
import { join, resolve } from 'node:path';
import type { OpenAPIObject } from '@nestjs/swagger';
import { decodeJwt } from 'jose';
import { clientOf, deliveriesTo, OFFLINE, someoneAt } from '../../back-channel-logout/scene.js';
import { enterAsClient } from '../../console/operator.js';
import { TestApp } from '../../support/app.js';
import { StubRelyingParty } from '../../support/stub-relying-party.js';
import { describeLogoutDialect, type DialectAnswer } from '../dialect-contract.js';
import { TOY } from './toy.dialect.js';

interface Schema {
  readonly properties: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly enum?: readonly string[];
}

// The contract starts its application itself: here with the one more line that `dialects.ts` would have.
const start = TestApp.start.bind(TestApp);
vi.spyOn(TestApp, 'start').mockImplementation((overrides, shared) => start(overrides, { ...shared, dialects: [TOY] }));

/** @param lines of the body, which says that it is JSON and is not */
async function toy(app: TestApp, lines: readonly string[], path = '/toy/logout'): Promise<DialectAnswer> {
  const response = await fetch(`${app.issuer}${path}`, {
    method: 'POST',
    body: lines.join('\n'),
    headers: { 'content-type': 'application/json' },
  });
  return { status: response.status, headers: response.headers, body: await response.text() };
}

function expectAnswer(status: number, body: object) {
  return (answer: DialectAnswer): void => {
    expect([answer.status, JSON.parse(answer.body)]).toEqual([status, body]);
  };
}

const refusal = expectAnswer(403, { toy_error: 'bad_session_token' });

describeLogoutDialect({
  name: 'toy',
  cause: 'toy_logout',
  send: (app, { tokens }) => toy(app, [`session_token ${tokens.id_token}`]),
  sendTwiceNamed: (app, { tokens: { id_token: token } }) =>
    toy(app, [`session_token ${token}`, `session_token ${token}`]),
  refused: [
    {
      name: "somebody else's ID token with another signature",
      send: (app, victim, stranger) => {
        const forged = [...victim.tokens.id_token.split('.').slice(0, 2), stranger.tokens.id_token.split('.')[2]];
        return toy(app, [`session_token ${forged.join('.')}`]);
      },
      expectRefused: refusal,
    },
    {
      name: "somebody else's access token in place of an ID token",
      send: (app, victim) => toy(app, [`session_token ${victim.tokens.access_token}`]),
      expectRefused: refusal,
    },
    {
      name: 'a member that it does not know',
      send: (app, victim) => toy(app, [`session_token ${victim.tokens.id_token}`, 'everybody true']),
      expectRefused: expectAnswer(400, { toy_error: 'bad_request' }),
    },
  ],
  expectEnded: expectAnswer(200, { ended: 1 }),
  expectNothingToEnd: expectAnswer(200, { ended: 0 }),
  expectFailed: expectAnswer(503, { toy_error: 'try_again' }),
});

describe('what others know of a dialect follows from its descriptor', () => {
  let app: TestApp;
  let party: StubRelyingParty;
  let token: string;

  beforeAll(async () => {
    [app, party] = await Promise.all([TestApp.start(), StubRelyingParty.start()]);
    token = await app.adminToken();
  });
  afterAll(() => Promise.all([app.stop(), party.stop()]));

  const admin = (method: string, path: string, body?: object) =>
    app.json(method, `/admin/v1/${path}`, { token, ...(body === undefined ? {} : { body }) });

  const metadata = (causes: readonly string[]) => ({
    redirect_uris: ['https://app.example.com/cb'],
    backchannel_logout_causes: causes,
  });

  it('a client may register for its causes, here and only here', async () => {
    const registered = await admin('POST', 'clients', metadata(['toy_logout', 'toy_alarm']));
    expect([registered.status, registered.body.backchannel_logout_causes]).toEqual([201, ['toy_logout', 'toy_alarm']]);
    const without = await start();
    try {
      const refused = await without.json('POST', '/admin/v1/clients', {
        token: await without.adminToken(),
        body: metadata(['toy_logout']),
      });
      expect([refused.status, refused.body.error]).toEqual([400, 'invalid_client_metadata']);
    } finally {
      await without.stop();
    }
  });

  it('an administrator may give a client its permissions', async () => {
    const { status, body } = await admin('POST', 'clients', { ...metadata(['admin']), permissions: ['play'] });
    expect([status, body.permissions]).toEqual([201, ['play']]);
    const refused = await admin('POST', 'clients', { ...metadata(['admin']), permissions: ['plays'] });
    expect([refused.status, refused.body.error_description]).toEqual([
      400,
      'each value in permissions must be one of the following values: manage_oidc, manage_token, play.',
    ]);
  });

  it('error texts list its causes and its name', async () => {
    const client = await admin('POST', 'clients', metadata(['toy_lockout']));
    const upstream = await admin('POST', 'upstreams', {
      name: 'corporate',
      issuer: 'https://login.example.org',
      client_id: 'exeunt',
      client_secret: 'a-secret',
      dialects: ['toys'],
    });
    const preview = await admin('POST', 'logout-preview', { session_id: randomUUID(), cause: 'toy_lockout' });
    expect([client.status, upstream.status, preview.status]).toEqual([400, 400, 400]);
    expect(client.body.error_description).toMatch(
      /^each value in backchannel_logout_causes must be one of the following values: .* csp_logout, toy_logout, toy_alarm, upstream_logout/,
    );
    expect(upstream.body.error_description).toBe(
      'each value in dialects must be one of the following values: oidc-end-session, back-channel-receiver, elasticsearch, vmware-csp, toy.',
    );
    expect(preview.body.error_description).toMatch(/^cause must be one of .* toy_logout, toy_alarm,/);
  });

  it('an upstream is open to it unless it is registered otherwise', async () => {
    const upstream = { issuer: 'https://login.example.org', client_secret: 'a-secret' };
    const all = await admin('POST', 'upstreams', { ...upstream, name: 'open', client_id: 'one' });
    const one = await admin('POST', 'upstreams', { ...upstream, name: 'toys', client_id: 'two', dialects: ['toy'] });
    expect([all.body.dialects, one.body.dialects]).toEqual([expect.arrayContaining(['elasticsearch', 'toy']), ['toy']]);
  });

  it('the API document has its tag, its operations, its words, its causes and its name', async () => {
    const { body } = await app.json('GET', '/openapi.json');
    const { tags, paths, components } = body as unknown as OpenAPIObject;
    expect(tags).toContainEqual(TOY.openApi.tag);
    const operation = paths['/toy/logout']?.post;
    expect(operation?.tags).toEqual([TOY.openApi.tag.name]);
    expect(operation?.responses['200']).toMatchObject({ description: 'How many sessions ended: one, or none.' });
    const { ClientMetadataDto, TerminationDto, CreateUpstreamDto } = (components?.schemas ?? {}) as Record<
      string,
      Schema
    >;
    for (const schema of [
      ClientMetadataDto?.properties.backchannel_logout_causes?.items,
      TerminationDto?.properties.cause,
    ])
      expect(schema?.enum).toEqual(expect.arrayContaining(['admin', 'toy_logout', 'toy_alarm']));
    expect(CreateUpstreamDto?.properties.dialects).toMatchObject({
      items: { enum: expect.arrayContaining(['elasticsearch', 'toy']) as unknown },
      default: expect.arrayContaining(['elasticsearch', 'toy']) as unknown,
    });
    expect(JSON.stringify(body)).not.toMatch(/\{(termination cause|logout dialect)\}/);
  });

  it('its body comes as text, and what no controller sees is refused in its words', async () => {
    const failed = async (path: string, init: RequestInit): Promise<unknown> => {
      const response = await fetch(`${app.issuer}${path}`, init);
      return [response.status, await response.json()];
    };
    const word = { toy_error: 'bad_request' };
    expect(await failed('/toy/logout', { method: 'POST', body: '{"session_token": ' })).toEqual([400, word]);
    expect(await failed('/toy/logout', { method: 'POST', body: 'x'.repeat(70_000) })).toEqual([413, word]);
    expect(await failed('/toy/nothing', { method: 'POST' })).toEqual([404, word]);
    expect(await failed('/toys', { method: 'POST' })).toEqual([404, expect.objectContaining({ error: 'not_found' })]);
  });

  it('the policy of a cause decides whether offline grants fall, and the preview says so', async () => {
    const client = await clientOf(app, party);
    const {
      browser,
      login,
      tokens: [tokens],
    } = await someoneAt(app, [client]);
    const offline = await app.signInTo(browser, client, login, OFFLINE);
    const [session] = await app.db.query<{ session_id: string }>(
      'SELECT g.session_id FROM grants g JOIN accounts a ON a.id = g.account_id WHERE a.login = $1 LIMIT 1',
      [login],
    );
    const revokedBy = async (cause: string) =>
      (await admin('POST', 'logout-preview', { session_id: session?.session_id, cause })).body.grants_revoked;
    expect([await revokedBy('toy_logout'), await revokedBy('toy_alarm')]).toEqual([1, 2]);
    expectAnswer(200, { ended: 1 })(await toy(app, [`session_token ${tokens!.id_token}`], '/toy/alarm'));
    expect(await app.isActive(client, offline.access_token)).toBe(false);
  });

  it('metrics, the ledger, notices, receipts and the console know its cause', async () => {
    const series = async (cause: string): Promise<number> => {
      const text = await (await fetch(`${app.issuer}/metrics`)).text();
      return Number(new RegExp(`^exeunt_terminations_total\\{cause="${cause}"\\} (\\d+)$`, 'm').exec(text)?.[1]);
    };
    const before = await series('toy_logout');
    const [told, choosy] = [
      await clientOf(app, party, { backchannel_logout_reason_required: true }),
      await clientOf(app, party, { backchannel_logout_causes: ['toy_alarm'] }),
    ];
    const { accountId, tokens } = await someoneAt(app, [told, choosy]);
    await toy(app, [`session_token ${tokens[0]!.id_token}`]);
    await app.sendDue();

    expect(await series('toy_logout')).toBe(before + 1);
    const [termination] = (await admin('GET', `terminations?account_id=${accountId}&cause=toy_logout`)).body
      .items as readonly { readonly id: string }[];
    expect(party.received.filter(({ claims }) => claims.aud === told.clientId)).toMatchObject([
      { claims: { reason: 'toy_logout' } },
    ]);
    expect(await deliveriesTo(app, choosy.clientId)).toEqual([]);
    await app.issueReceipts();
    const receipt = await admin('GET', `terminations/${termination?.id}/receipt`);
    expect(decodeJwt(String(receipt.body.receipt))).toMatchObject({ cause: 'toy_logout' });
    const operator = app.browser();
    await enterAsClient(operator);
    expect((await operator.get(`/console/logouts/${termination?.id}`)).body).toContain('toy logout');
  });
});

describe('a dialect is one folder (.dependency-cruiser.cjs)', () => {
  const root = resolve(import.meta.dirname, '../../..');
  const toySource = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.ts') && !name.endsWith('-spec.ts'),
  );
  let copy: string;

  /** The sources with the toy where the other dialects stand, for the real checker to look at. */
  beforeAll(() => {
    copy = mkdtempSync(join(tmpdir(), 'exeunt-toy-'));
    for (const name of ['src', 'migrations', 'package.json', 'tsconfig.json', '.dependency-cruiser.cjs'])
      cpSync(join(root, name), join(copy, name), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
    const home = join(copy, 'src/web/dialects/toy');
    cpSync(import.meta.dirname, home, { recursive: true, filter: (path) => !path.endsWith('-spec.ts') });
    for (const name of toySource) {
      const text = readFileSync(join(home, name), 'utf8');
      writeFileSync(join(home, name), text.replaceAll(/'((?:\.\.\/)+)src\//g, "'$1"));
    }
  });
  afterAll(() => rmSync(copy, { recursive: true, force: true }));

  /** What `npm run imports:check` says there: `rule: from → to`. */
  function violations(): string[] {
    const tool = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
    const args = [tool, 'src', '--config', '.dependency-cruiser.cjs', '--output-type', 'json'];
    const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: copy, encoding: 'utf8', maxBuffer: 2 ** 28 });
    if (!stdout.startsWith('{')) throw new Error(`the checker said: ${stderr}`);
    const { summary } = JSON.parse(stdout) as {
      readonly summary: {
        readonly totalCruised: number;
        readonly violations: ReadonlyArray<{
          readonly from: string;
          readonly to: string;
          readonly rule: { readonly name: string };
        }>;
      };
    };
    expect(summary.totalCruised).toBeGreaterThan(300);
    return summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} → ${to}`);
  }

  it('imports only what a dialect may import', () => {
    expect(toySource.length).toBeGreaterThan(4);
    expect(violations()).toEqual([]);
  }, 120_000);

  it('would not get away with more', () => {
    const wrong: ReadonlyArray<readonly [rule: string, target: string]> = [
      ['dialects-stay-at-the-edge', 'src/platform/database/transaction.ts'],
      ['dialects-stay-at-the-edge', 'src/domain/sessions/entities/session.entity.ts'],
      ['dialects-stay-at-the-edge', 'src/domain/logout/termination/session-termination.repository.ts'],
      ['dialects-stay-at-the-edge', 'src/web/admin/accounts.controller.ts'],
      ['dialects-do-not-know-each-other', 'src/web/dialects/vmware-csp/csp-error.ts'],
    ];
    const file = 'src/web/dialects/toy/greedy.ts';
    const lines = wrong.map(([, target], n) => `export * as n${n} from '../../../${target.slice(4, -3)}.js';`);
    writeFileSync(join(copy, file), lines.join('\n'));
    const found = violations();
    for (const [rule, target] of wrong) expect(found).toContain(`${rule}: ${file} → ${target}`);
  }, 120_000);

  it('is known to nobody in src', () => {
    const known = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .filter((name) => /dialects\/toy/.test(readFileSync(join(root, 'src', name), 'utf8')));
    expect(known).toEqual([]);
  });
});
