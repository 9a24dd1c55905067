import { TestApp } from '../support/app.js';

describe('discovery (OpenID Connect Discovery 1.0 §3, RFC 8414)', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await TestApp.start();
  });
  afterAll(() => app.stop());

  it('says what is offered, with the issuer to the letter, https-shaped endpoints of ours and no empty list', async () => {
    const { status, headers, body } = await app.json('GET', '/.well-known/openid-configuration');
    expect(status).toBe(200);
    expect(headers.get('content-type')).toContain('application/json');
    expect(headers.get('access-control-allow-origin')).toBe('*');
    expect(body).toMatchObject({
      issuer: app.issuer,
      end_session_endpoint: `${app.issuer}/session/end_session`,
      backchannel_logout_supported: true,
      backchannel_logout_session_supported: true,
      request_uri_parameter_supported: false,
      response_types_supported: ['code'],
      code_challenge_methods_supported: ['S256'],
      authorization_response_iss_parameter_supported: true,
    });
    expect(body.id_token_signing_alg_values_supported).toContain('RS256');
    for (const [name, value] of Object.entries(body)) {
      if (name.endsWith('_endpoint') || name === 'jwks_uri')
        expect(String(value).startsWith(`${app.issuer}/`)).toBe(true);
      if (Array.isArray(value)) expect([name, value.length]).not.toEqual([name, 0]);
      if (name.includes('signing_alg')) expect(value).not.toContain('none');
    }
    expect((await app.json('GET', '/.well-known/oauth-authorization-server')).body).toEqual(body);
  });

  it('every endpoint that it names answers, by each method that it is for', async () => {
    const { body } = await app.json('GET', '/.well-known/openid-configuration');
    const METHODS: Readonly<Record<string, readonly string[]>> = {
      authorization_endpoint: ['GET', 'POST'],
      pushed_authorization_request_endpoint: ['POST'],
      token_endpoint: ['POST'],
      userinfo_endpoint: ['GET', 'POST'],
      jwks_uri: ['GET'],
      registration_endpoint: ['POST'],
      introspection_endpoint: ['POST'],
      revocation_endpoint: ['POST'],
      end_session_endpoint: ['GET', 'POST'],
      check_session_iframe: ['GET'],
    };
    const named = Object.keys(body).filter((name) => /_endpoint$|^jwks_uri$|_iframe$/.test(name));
    expect(named.sort()).toEqual(Object.keys(METHODS).sort());
    for (const name of named)
      for (const method of METHODS[name] ?? []) {
        const { status } = await fetch(String(body[name]), { method, redirect: 'manual' });
        expect([name, method, status < 500 && status !== 404 && status !== 405]).toEqual([name, method, true]);
      }
  });

  it('does not believe Host or X-Forwarded-Host (threat-model#host-header)', async () => {
    const { request } = await import('node:http');
    const body = await new Promise<string>((resolve, reject) => {
      const headers = { host: 'evil.example.com', 'x-forwarded-host': 'evil.example.com' };
      request(`${app.issuer}/.well-known/openid-configuration`, { headers }, (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString())).on('end', () => resolve(text));
      })
        .once('error', reject)
        .end();
    });
    expect(body).not.toContain('evil');
    expect(JSON.parse(body)).toMatchObject({ issuer: app.issuer });
  });

  it('serves Swagger UI and the document, from no other host', async () => {
    const page = await (await fetch(`${app.issuer}/docs`)).text();
    expect(page).not.toMatch(/(src|href)="(https?:)?\/\//);
    expect((await fetch(`${app.issuer}/openapi.yaml`)).status).toBe(200);
  });

  it('probes: live always, ready with storage', async () => {
    expect((await app.json('GET', '/health/live')).status).toBe(200);
    expect((await app.json('GET', '/health/ready')).body).toEqual({ status: 'up' });
  });
});
