import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
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

interface ImportRule {
  readonly name: string;
  readonly from: { readonly path?: string; readonly pathNot?: string };
  readonly to: {
    readonly path?: string;
    readonly pathNot?: string | readonly string[];
    readonly circular?: boolean;
    readonly dependencyTypes?: readonly string[];
    readonly dependencyTypesNot?: readonly string[];
  };
}

describe('a dialect is one folder (.dependency-cruiser.cjs)', () => {
  const root = resolve(import.meta.dirname, '../../..');
  const { forbidden } = createRequire(import.meta.url)(join(root, '.dependency-cruiser.cjs')) as {
    readonly forbidden: readonly ImportRule[];
  };
  /** Those that are about paths alone; others ask what kind of import it is. */
  const rules = forbidden.filter(
    ({ to }) => to.path !== undefined && to.dependencyTypes === undefined && to.dependencyTypesNot === undefined,
  );

  function broken(from: string, to: string): string[] {
    return rules.filter((rule) => isBroken(rule, from, to)).map(({ name }) => name);
  }

  function isBroken(rule: ImportRule, from: string, to: string): boolean {
    const module = new RegExp(rule.from.path ?? '').exec(from);
    if (module === null || (rule.from.pathNot !== undefined && new RegExp(rule.from.pathNot).test(from))) return false;
    const matches = (pattern: string): boolean => new RegExp(pattern.replaceAll('$1', module[1] ?? '')).test(to);
    return matches(rule.to.path ?? '') && ![rule.to.pathNot ?? []].flat().some(matches);
  }

  /** As if the folder stood where the others stand. */
  function inSource(path: string): string {
    return relative(root, path).replace(/^test\/dialects\//, 'src/dialects/');
  }

  const imports = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('-spec.ts'))
    .map((name) => join(import.meta.dirname, name))
    .flatMap((path) =>
      [...readFileSync(path, 'utf8').matchAll(/from '(\.[^']+)\.js'/g)].map(([, target = '']) => ({
        from: inSource(path),
        to: inSource(`${resolve(dirname(path), target)}.ts`),
      })),
    );

  it('imports only what a dialect may import, and nothing of the tests', () => {
    expect(imports.length).toBeGreaterThan(8);
    for (const { from, to } of imports) {
      expect([from, to, broken(from, to)]).toEqual([from, to, []]);
      expect(to).toMatch(/^src\//);
    }
  });

  it.each([
    ['src/database/transaction.ts', 'dialects-stay-at-the-edge'],
    ['src/sessions/entities/session.entity.ts', 'dialects-stay-at-the-edge'],
    ['src/logout/session-termination.repository.ts', 'dialects-stay-at-the-edge'],
    ['src/admin/admin.guard.ts', 'dialects-stay-at-the-edge'],
    ['src/dialects/vmware-csp/csp-error.ts', 'dialects-do-not-know-each-other'],
  ])('would not get away with %s', (to, rule) => {
    expect(broken('src/dialects/toy/toy.controller.ts', to)).toContain(rule);
  });

  it('is known to nobody in src', () => {
    const known = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .filter((name) => /dialects\/toy/.test(readFileSync(join(root, 'src', name), 'utf8')));
    expect(known).toEqual([]);
  });
});
