import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { TestApp } from '../../support/app.js';
import { describeLogoutDialect, type DialectAnswer } from '../dialect-contract.js';
import { ToyModule } from './toy.module.js';

// The contract starts its application itself: here with the one more line that `dialects.module.ts` would have.
const start = TestApp.start.bind(TestApp);
vi.spyOn(TestApp, 'start').mockImplementation((overrides, shared) =>
  start(overrides, { ...shared, modules: [ToyModule] }),
);

async function toy(app: TestApp, body: object | URLSearchParams): Promise<DialectAnswer> {
  const form = body instanceof URLSearchParams;
  const response = await fetch(`${app.issuer}/toy/logout`, {
    method: 'POST',
    body: form ? body : JSON.stringify(body),
    headers: form ? {} : { 'content-type': 'application/json' },
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
  cause: 'self_service',
  send: (app, { tokens }) => toy(app, { session_token: tokens.id_token }),
  sendTwiceNamed: (app, { tokens: { id_token: token } }) =>
    toy(
      app,
      new URLSearchParams([
        ['session_token', token],
        ['session_token', token],
      ]),
    ),
  refused: [
    {
      name: "somebody else's ID token with another signature",
      send: (app, victim, stranger) => {
        const forged = [...victim.tokens.id_token.split('.').slice(0, 2), stranger.tokens.id_token.split('.')[2]];
        return toy(app, { session_token: forged.join('.') });
      },
      expectRefused: refusal,
    },
    {
      name: "somebody else's access token in place of an ID token",
      send: (app, victim) => toy(app, { session_token: victim.tokens.access_token }),
      expectRefused: refusal,
    },
    {
      name: 'a member that it does not know',
      send: (app, victim) => toy(app, { session_token: victim.tokens.id_token, everybody: true }),
      expectRefused: expectAnswer(400, { toy_error: 'bad_request' }),
    },
  ],
  expectEnded: expectAnswer(200, { ended: 1 }),
  expectNothingToEnd: expectAnswer(200, { ended: 0 }),
  expectFailed: expectAnswer(503, { toy_error: 'try_again' }),
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
