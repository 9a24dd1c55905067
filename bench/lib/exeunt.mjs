import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Connection, expectStatus } from './http.mjs';
import { freePort, start } from './processes.mjs';

const HERE = fileURLToPath(new URL('../..', import.meta.url));

/** The limits that protect from floods are not what is measured; everything else is as it comes. */
const NO_FLOOD = {
  SIGN_IN_ADDRESS_PER_MINUTE: '100000000',
  AUTHORIZE_PER_MINUTE: '100000000',
  CLIENT_AUTHENTICATION_FAILURES_PER_MINUTE: '100000000',
};

const newSecret = () => randomBytes(32).toString('base64url');

function newAdmin() {
  return { id: 'bench-admin', secret: randomBytes(24).toString('base64url') };
}

/** The service as it is deployed, on this database. `build` is a directory with a `dist`, such as another version's. */
export async function startExeunt({ url, build = HERE, env = {}, admin = newAdmin(), secret = newSecret() }) {
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  const running = await start(
    join(build, 'dist', 'src', 'main.js'),
    {
      NODE_ENV: 'production',
      PORT: String(port),
      HOST: '127.0.0.1',
      ISSUER: base,
      DATABASE_URL: url,
      EXEUNT_SECRET: secret,
      EXEUNT_ADMIN_CLIENT_ID: admin.id,
      EXEUNT_ADMIN_CLIENT_SECRET: admin.secret,
      ...NO_FLOOD,
      ...env,
    },
    { ready: 'Exeunt is ready', cwd: build },
  );
  const api = await Api.connect(base, admin);
  return { ...running, base, admin, api, url, secret };
}

export const EXEUNT_PATHS = {
  discovery: '/.well-known/openid-configuration',
  jwks: '/jwks',
  token: '/token',
  introspect: '/introspect',
  revoke: '/revoke',
  userinfo: '/userinfo',
  authorize: '/authorize',
  endSession: '/session/end_session',
};

export const EXEUNT_DIALOG = { marker: 'id="logout-yes"', yes: { decision: 'logout' } };

/** The admin API, as an administrator's program calls it. */
export class Api {
  constructor(base, admin) {
    this.admin = admin;
    this.connection = new Connection(base);
  }

  static async connect(base, admin) {
    const api = new Api(base, admin);
    await api.renew();
    return api;
  }

  /** The token lasts ten minutes. */
  async renew() {
    const authorization = `Basic ${Buffer.from(`${this.admin.id}:${this.admin.secret}`).toString('base64')}`;
    const answer = await this.connection.form('/token', { grant_type: 'client_credentials' }, { authorization });
    this.authorization = `Bearer ${JSON.parse(expectStatus(answer, 200, '/token').text).access_token}`;
    this.renewed = performance.now();
  }

  /** The answer, whatever it is. */
  async call(method, path, body) {
    if (performance.now() - this.renewed > 300_000) await this.renew();
    return this.connection.request(method, path, {
      headers: {
        authorization: this.authorization,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  }

  /** The body of an answer that is a success. */
  async json(method, path, body) {
    const answer = await this.call(method, path, body);
    if (answer.status >= 300) throw new Error(`${method} ${path} answered ${answer.status}: ${answer.text}`);
    return answer.text === '' ? undefined : JSON.parse(answer.text);
  }

  async close() {
    await this.connection.close();
  }
}

/** Registers a client like those of the peer. */
export async function registerClient(api, { id, redirectUri, notices, machine }) {
  const { client_secret: secret } = await api.json('POST', '/admin/v1/clients', {
    client_id: id,
    client_name: id,
    ...(machine
      ? { grant_types: ['client_credentials'], redirect_uris: [], scope: 'reports' }
      : {
          grant_types: ['authorization_code', 'refresh_token'],
          redirect_uris: [redirectUri],
          post_logout_redirect_uris: [redirectUri],
          skip_consent: true,
          // As the peer signs them; what comes without it is RS256 (OpenID Connect Dynamic Client Registration 1.0 §2), ten times as dear.
          id_token_signed_response_alg: 'ES256',
          ...(notices === undefined
            ? {}
            : { backchannel_logout_uri: notices, backchannel_logout_session_required: true }),
        }),
  });
  return { id, secret, redirectUri };
}
