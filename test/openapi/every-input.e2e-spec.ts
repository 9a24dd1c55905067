import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import { anOperator } from '../console/operator.js';
import { ADMIN, basic, TestApp } from '../support/app.js';
import { registration } from '../upstreams/scene.js';

interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly example?: unknown;
  readonly examples?: readonly unknown[];
  readonly enum?: readonly unknown[];
  readonly format?: string;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly allOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
}
interface Operation {
  readonly parameters?: ReadonlyArray<{ readonly name: string; readonly in: string; readonly schema?: Schema }>;
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema?: Schema }>> };
  readonly security?: ReadonlyArray<Readonly<Record<string, unknown>>>;
}

const document = load(readFileSync('openapi.yaml', 'utf8')) as {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
};
const OPERATIONS = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => [method.toUpperCase(), path, operation] as const),
);

const LONG = 'x'.repeat(60_000);
const DEEP = '<deep>';
const DEEP_JSON = `${'['.repeat(15_000)}${']'.repeat(15_000)}`;
/** No `true`: an administrator who means it may rotate keys or delete things. */
const BAD_JSON: readonly unknown[] = [
  'a\0b',
  'half \ud83d',
  '\ude80',
  '',
  LONG,
  0,
  -1,
  1e300,
  2 ** 53,
  null,
  [],
  ['a\0b'],
  [[], {}, null, 1],
  {},
  { '\ud800': 1 },
  { 'a\0': { b: ['\ud800'] } },
  DEEP,
];
/** As they stand in a URL or a form. */
const BAD_TEXT = ['a%00b', '%ED%A0%80', '%FF%FE', '%F0%9F', LONG, '-1', '1e300', '[]', '{}', '%5B%22x%22%5D'];
const TOO_LONG_FOR_A_LINE = 8000;

/** Where a 503 is what the document promises to somebody who asks too much of it: hashing and streams are bounded. */
const MAY_BE_BUSY = /\/(sign-in|client-sign-in|events)$/;

/** What an administrator, a client, a facilitator and a signed-in person show. */
interface Credentials {
  readonly bySecurity: Readonly<Record<string, string>>;
  readonly cookie: string;
  readonly csrf: string;
}

interface Attempt {
  readonly path: string;
  readonly query: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly what: string;
}

describe('nothing that anybody sends is a fault of ours', () => {
  let app: TestApp;
  let credentials: Credentials;
  let ids: Readonly<Record<string, string>>;

  beforeAll(async () => {
    app = await TestApp.start({
      registration: 'open',
      cspLogoutPerMinute: 1_000_000,
      backchannelLogoutPerMinute: 1_000_000,
    });
    const token = await app.adminToken();
    const client = await app.createClient();
    const facilitator = await app.createClient({ permissions: ['manage_oidc', 'manage_token'] });
    const { id, login } = await anOperator(app);
    const browser = app.browser();
    const tokens = await app.signInTo(browser, client, login);
    await app.json('POST', '/admin/v1/upstreams', { token, body: registration() });
    const { body: registered } = await app.json('POST', '/register', {
      body: { redirect_uris: ['https://a.example/cb'] },
    });
    const page = await app.browser().get('/console/sign-in');
    const begun = await browser.get(app.authorizeUrl(client, { prompt: 'login' }));
    ids = {
      client_id: client.clientId,
      id,
      name: 'corporate',
      interaction: begun.location?.split('/').at(-1) ?? '',
    };
    credentials = {
      bySecurity: {
        admin: `Bearer ${token}`,
        client: basic(ADMIN),
        facilitator: basic(facilitator),
        user: `Bearer ${tokens.access_token}`,
        registration: `Bearer ${String(registered.registration_access_token)}`,
      },
      cookie: ['session', 'browser', 'console', 'browser_state']
        .map((name) => `exeunt_${name}=${browser.cookie(`exeunt_${name}`) ?? ''}`)
        .join('; '),
      csrf: page.formWith('login-submit').fields.csrf ?? '',
    };
    const ours = await browser.get('/account/sessions');
    credentials = { ...credentials, csrf: /name="csrf" value="([^"]+)"/.exec(ours.body)?.[1] ?? credentials.csrf };
  }, 60_000);
  afterAll(() => app.stop());

  it('the document has them all', () => {
    expect(OPERATIONS.length).toBeGreaterThan(90);
    expect(credentials.csrf).not.toBe('');
  });

  describe.each(['anonymous', 'known'] as const)('%s', (who) => {
    it.each(OPERATIONS)(
      '%s %s',
      async (method, path, operation) => {
        app.logger.lines.length = 0;
        const before = await coreRows();
        const failures: string[] = [];
        await inParallel(attemptsOf(method, path, operation, who), async (attempt) => {
          const status = await send(method, attempt, operation, who);
          if (status >= 500 && !(status === 503 && MAY_BE_BUSY.test(path))) failures.push(`${status}: ${attempt.what}`);
        });
        expect(failures).toEqual([]);
        // The second kind is a check that is missing: storage was the first to see it.
        expect(app.logger.lines.filter((line) => /request \S+ failed:|does not take|ALERT/.test(line))).toEqual([]);
        if (who === 'anonymous') expect(await coreRows()).toEqual(before);
      },
      60_000,
    );
  });

  function idFor(template: string, name: string): string {
    return (template.startsWith('/interaction/') && name === 'id' ? ids.interaction : ids[name]) ?? 'x';
  }

  /** What only somebody who is known may change. */
  async function coreRows(): Promise<object> {
    const { accounts, grants, sessions, session_terminations, upstreams, organizations, logout_orders } =
      await app.rowCounts();
    return { accounts, grants, sessions, session_terminations, upstreams, organizations, logout_orders };
  }

  function attemptsOf(method: string, template: string, operation: Operation, who: 'anonymous' | 'known'): Attempt[] {
    const parameters = operation.parameters ?? [];
    const path = template.replaceAll(/\{([a-z_]+)\}/g, (_, name: string) => encodeURIComponent(idFor(template, name)));
    const [type, content] = Object.entries(operation.requestBody?.content ?? {})[0] ?? [];
    const sample = type === undefined ? undefined : withCsrf(sampleOf(content?.schema), type, who);
    const valid = { path, query: '', headers: {}, body: encoded(sample, type) };
    // Who is not let in is refused whatever it is; then a part of what there is will do.
    const few = who === 'anonymous' && operation.security?.some((one) => Object.keys(one).includes('admin')) === true;
    const texts = few ? BAD_TEXT.slice(0, 3) : BAD_TEXT;
    const values = few ? [BAD_JSON[0], BAD_JSON[1], DEEP] : BAD_JSON;
    const attempts: Attempt[] = [];
    for (const { name, in: where } of parameters) {
      for (const text of texts) {
        const what = `${where} ${name} = ${text.slice(0, 20)}`;
        const short = text.slice(0, TOO_LONG_FOR_A_LINE);
        if (where === 'query')
          attempts.push(
            { ...valid, query: `?${name}=${short}`, what },
            { ...valid, query: `?${name}=a&${name}=${short.slice(0, 100)}`, what },
          );
        else if (where === 'path')
          attempts.push({
            ...valid,
            path: template
              .replace(`{${name}}`, short)
              .replaceAll(/\{([a-z_]+)\}/g, (_, other: string) => idFor(template, other)),
            what,
          });
        else if (where === 'header' && name !== 'Content-Type')
          attempts.push({ ...valid, headers: { [name.toLowerCase()]: short }, what });
      }
    }
    if (type === undefined) return attempts.length === 0 ? [{ ...valid, what: 'nothing' }] : attempts;
    if (type !== 'application/json') {
      for (const [name] of Object.entries(sample as object))
        for (const text of texts) {
          const rest = new URLSearchParams(
            Object.entries(sample as Record<string, string>).filter(([other]) => other !== name),
          );
          attempts.push({ ...valid, body: `${rest}&${name}=${text}`, what: `form ${name} = ${text.slice(0, 20)}` });
          attempts.push({
            ...valid,
            body: `${rest}&${name}=a&${name}=${text.slice(0, 50)}`,
            what: `form ${name} twice`,
          });
        }
    } else {
      for (const at of placesOf(sample))
        for (const value of values)
          attempts.push({
            ...valid,
            body: encoded(replaced(sample, at, value), type),
            what: `body ${at.join('.')} = ${JSON.stringify(value).slice(0, 30)}`,
          });
    }
    for (const body of [
      '',
      'null',
      '[]',
      '"x"',
      '{"',
      DEEP_JSON,
      '\0',
      '{"a":"\\ud800"}',
      '{"__proto__":{"x":"\\u0000"}}',
    ])
      for (const sent of [type, 'application/json', 'text/plain'])
        attempts.push({ ...valid, body, headers: { 'content-type': sent }, what: `${sent}: ${body.slice(0, 20)}` });
    return attempts;
  }

  async function send(
    method: string,
    attempt: Attempt,
    operation: Operation,
    who: 'anonymous' | 'known',
  ): Promise<number> {
    const { path, query, headers, body } = attempt;
    const schemes = (operation.security ?? []).flatMap((one) => Object.keys(one));
    const authorization = schemes.map((name) => credentials.bySecurity[name]).find((value) => value !== undefined);
    const [type] = Object.keys(operation.requestBody?.content ?? {});
    const response = await fetch(`${app.issuer}${path}${query}`, {
      method,
      redirect: 'manual',
      signal: AbortSignal.timeout(20_000),
      headers: {
        ...(type === undefined ? {} : { 'content-type': type }),
        ...(who === 'known' && authorization !== undefined ? { authorization } : {}),
        ...(who === 'known' ? { cookie: credentials.cookie } : {}),
        ...headers,
      },
      ...(body === undefined || method === 'GET' ? {} : { body }),
    });
    await response.body?.cancel();
    return response.status;
  }

  function withCsrf(sample: unknown, type: string, who: 'anonymous' | 'known'): unknown {
    if (type === 'application/json' || who === 'anonymous' || typeof sample !== 'object') return sample;
    return { ...sample, ...('csrf' in (sample ?? {}) ? { csrf: credentials.csrf } : {}) };
  }
});

/** Something that the schema allows, from its examples where it has some. */
function sampleOf(schema: Schema | undefined, depth = 0): unknown {
  if (schema === undefined || depth > 6) return 'x';
  if (schema.$ref !== undefined)
    return sampleOf(document.components.schemas[schema.$ref.split('/').at(-1) ?? ''], depth + 1);
  if (schema.example !== undefined) return schema.example;
  if (schema.examples?.[0] !== undefined) return schema.examples[0];
  if (schema.enum?.[0] !== undefined) return schema.enum[0];
  const [inner] = [...(schema.allOf ?? []), ...(schema.oneOf ?? []), ...(schema.anyOf ?? [])];
  if (inner !== undefined && schema.properties === undefined) return sampleOf(inner, depth + 1);
  const type = typeof schema.type === 'string' ? schema.type : schema.type?.find((name) => name !== 'null');
  switch (type) {
    case 'object':
      return Object.fromEntries(
        Object.entries(schema.properties ?? {}).map(([name, member]) => [name, sampleOf(member, depth + 1)]),
      );
    case 'array':
      return [sampleOf(schema.items, depth + 1)];
    case 'integer':
    case 'number':
      return 1;
    case 'boolean':
      return false;
    default:
      return schema.format === 'uuid' ? '01890000-0000-7000-8000-000000000001' : 'x';
  }
}

type Place = readonly string[];

/** Every member at every depth, and the whole. */
function placesOf(value: unknown, at: Place = []): Place[] {
  if (typeof value !== 'object' || value === null) return [at];
  return [at, ...Object.entries(value).flatMap(([name, member]) => placesOf(member, [...at, name]))];
}

function replaced(value: unknown, [name, ...rest]: Place, by: unknown): unknown {
  if (name === undefined) return by;
  if (Array.isArray(value)) return value.map((member, n) => (String(n) === name ? replaced(member, rest, by) : member));
  const object = value as Record<string, unknown>;
  return { ...object, [name]: replaced(object[name], rest, by) };
}

function encoded(value: unknown, type: string | undefined): string | undefined {
  if (type === undefined) return undefined;
  if (type === 'application/json') return JSON.stringify(value).replaceAll(`"${DEEP}"`, DEEP_JSON);
  return new URLSearchParams(value as Record<string, string>).toString();
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
    }),
  );
}
