import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { load } from 'js-yaml';
import { TestApp, type TestClient } from '../support/app.js';

const document = load(readFileSync('openapi.yaml', 'utf8')) as {
  readonly paths: Readonly<Record<string, Readonly<Record<string, object>>>>;
};
/** One path of each, with something for its parameters. */
const PATHS = Object.entries(document.paths).map(
  ([path, operations]) => [path.replaceAll(/\{[a-z_]+\}/g, 'x'), Object.keys(operations)] as const,
);

/** Also by a path with a parameter: `/deliveries/resend` might be one of `/deliveries/{id}`. */
function takenAt(path: string): string[] {
  return Object.entries(document.paths)
    .filter(([template]) => new RegExp(`^${template.replaceAll(/\{[a-z_]+\}/g, '[^/]+')}$`).test(path))
    .flatMap(([, operations]) => Object.keys(operations).map((name) => name.toUpperCase()));
}

describe('answers that are the same everywhere', () => {
  let app: TestApp;
  let client: TestClient;

  beforeAll(async () => {
    app = await TestApp.start({ registration: 'token', metricsToken: 'a-metrics-token' });
    client = await app.createClient({ permissions: ['manage_oidc', 'manage_token'] });
  });
  afterAll(() => app.stop());

  function send(method: string, path: string, headers: Record<string, string> = {}, body?: string): Promise<Response> {
    return fetch(`${app.issuer}${path}`, {
      method,
      headers,
      redirect: 'manual',
      signal: AbortSignal.timeout(10_000),
      ...(body === undefined ? {} : { body }),
    });
  }

  it('every 401 says how to do better (RFC 9110 §15.5.2)', async () => {
    const seen = new Set<string>();
    for (const [path, methods] of PATHS) {
      for (const method of methods.map((name) => name.toUpperCase())) {
        for (const authorization of [undefined, 'Bearer a.b.c', 'Basic eDp5', 'Digest x']) {
          const type = /^\/(admin|register|_security|csp)/.test(path)
            ? 'application/json'
            : 'application/x-www-form-urlencoded';
          const answer = await send(
            method,
            path,
            { ...(authorization === undefined ? {} : { authorization }), 'content-type': type },
            method === 'GET'
              ? undefined
              : type === 'application/json'
                ? '{}'
                : 'client_id=x&client_secret=y&token=z&grant_type=client_credentials',
          );
          await answer.body?.cancel();
          if (answer.status !== 401) continue;
          seen.add(path.split('/')[1] ?? '');
          expect([method, path, answer.headers.get('www-authenticate')]).toEqual([
            method,
            path,
            expect.stringMatching(/^(Basic|Bearer|ApiKey) /),
          ]);
        }
      }
    }
    for (const surface of ['token', 'revoke', 'introspect', 'userinfo', 'admin', 'register', 'metrics', '_security'])
      expect([...seen]).toContain(surface);
  }, 60_000);

  it.each(['/token', '/revoke', '/introspect'])(
    '%s challenges a client that sent its secret in the form',
    async (path) => {
      const fields = {
        client_id: client.clientId,
        client_secret: 'wrong',
        token: 'x',
        grant_type: 'client_credentials',
      };
      const answer = await app.form(path, fields);
      expect([answer.status, answer.body.error]).toEqual([401, 'invalid_client']);
      expect(answer.headers.get('www-authenticate')).toBe('Basic realm="exeunt", charset="UTF-8"');
    },
  );

  it('every path that there is answers other methods with 405 and Allow, and changes nothing', async () => {
    const before = { ...(await app.rowCounts()), rate_limits: 0 };
    for (const [path, methods] of PATHS) {
      const taken = takenAt(path);
      expect(taken).toEqual(expect.arrayContaining(methods.map((name) => name.toUpperCase())));
      for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].filter(
        (name) => !taken.includes(name),
      )) {
        const answer = await send(method, path);
        const text = await answer.text();
        if (method === 'OPTIONS' && answer.status === 204) continue;
        expect([method, path, answer.status]).toEqual([method, path, 405]);
        const allowed = answer.headers.get('allow')?.split(', ') ?? [];
        for (const name of taken) expect([path, allowed]).toEqual([path, expect.arrayContaining([name])]);
        expect([path, allowed]).toEqual([path, expect.not.arrayContaining([method])]);
        if (
          answer.headers.get('content-type')?.startsWith('application/json; charset') === true &&
          path.startsWith('/admin')
        )
          expect(JSON.parse(text)).toMatchObject({ error: 'method_not_allowed' });
      }
    }
    expect({ ...(await app.rowCounts()), rate_limits: 0 }).toEqual(before);
  }, 60_000);

  it('a path that there is not is 404 for every method', async () => {
    for (const method of ['GET', 'POST', 'PUT', 'OPTIONS', 'DELETE']) {
      const answer = await send(method, '/no/such/thing');
      expect([method, answer.status, answer.headers.has('allow')]).toEqual([method, 404, false]);
    }
  });

  it('who opens an address in a browser gets a page, also for what is not there', async () => {
    const accept = 'text/html,application/xhtml+xml,*/*;q=0.8';
    for (const [method, path, status] of [
      ['GET', '/no/such/thing', 404],
      ['POST', '/console/logouts', 405],
    ] as const) {
      const answer = await send(method, path, { accept });
      expect([path, answer.status]).toEqual([path, status]);
      expect(answer.headers.get('content-type')).toContain('text/html');
      expect(answer.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    }
  });

  it('an idle connection is kept longer than balancers keep theirs, and headers get longer still', async () => {
    const { keepAliveTimeout, headersTimeout } = app.app.getHttpServer() as {
      keepAliveTimeout: number;
      headersTimeout: number;
    };
    expect(keepAliveTimeout).toBeGreaterThan(60_000);
    expect(headersTimeout).toBeGreaterThan(keepAliveTimeout);
    const agent = new Agent({ keepAlive: true });
    const header = await new Promise<string | undefined>((resolve, reject) => {
      request(`${app.issuer}/health/live`, { agent }, (response) => {
        response.resume().once('end', () => resolve(String(response.headers['keep-alive'])));
      })
        .on('error', reject)
        .end();
    });
    expect(header).toBe('timeout=65');
    agent.destroy();
  });
});
