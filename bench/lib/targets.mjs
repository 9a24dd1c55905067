import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { hash } from '@node-rs/argon2';
import { EXEUNT_DIALOG, EXEUNT_PATHS, registerClient, startExeunt } from './exeunt.mjs';
import { freePort, start } from './processes.mjs';
import { APPLICATIONS, PASSWORD, Target } from './target.mjs';

const program = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));
const ACCOUNTS = 100;

/** The same clients and people for both. The notices of each go to the receivers under its name. */
function clientsOf(name, receivers) {
  const applications = Array.from({ length: APPLICATIONS }, (_none, n) => ({
    id: `app-${n}`,
    redirectUri: `http://127.0.0.1:9/app-${n}/callback`,
    notices: `${receivers}/notice/${name}`,
  }));
  return { applications, machine: { id: 'machine', machine: true } };
}

const logins = Array.from({ length: ACCOUNTS }, (_none, n) => `person-${n}@example.com`);

/** argon2id at its least: what a password's hash costs is a choice of its own, and the same for every provider. */
const cheapHash = () => hash(PASSWORD, { memoryCost: 8, timeCost: 1, parallelism: 1 });

/** The service, with people whose passwords have a cheap hash: one is verified with the parameters that it names. */
export async function exeuntTarget({ postgres, receivers, build }) {
  const url = await postgres.create('bench_exeunt');
  const running = await startExeunt({ url, build });
  const { applications, machine } = clientsOf('exeunt', receivers);
  const registered = [];
  for (const client of applications) registered.push(await registerClient(running.api, client));
  for (const login of logins)
    await running.api.json('POST', '/admin/v1/accounts', { login, password: PASSWORD, claims: { name: 'A Person' } });
  const database = await postgres.connect('bench_exeunt');
  await database.query('UPDATE accounts SET password_hash = $1', [await cheapHash()]);
  await database.end();
  return new Target({
    ...running,
    name: 'exeunt',
    database: 'bench_exeunt',
    paths: EXEUNT_PATHS,
    dialog: EXEUNT_DIALOG,
    applications: registered,
    machine: await registerClient(running.api, machine),
    logins,
    async stop() {
      await running.api.close();
      await running.stop();
    },
  });
}

/**
 * One more node of the same service: the same database, issuer and secrets.
 * @param options another build, settings beside those of the first, and a name of its own
 */
export async function exeuntNode(first, { build, env = {}, name = first.name } = {}) {
  const { url, secret, admin, base } = first;
  const running = await startExeunt({ url, secret, admin, build, env: { ISSUER: base, ...env } });
  return new Target({
    ...first,
    ...running,
    name,
    async stop() {
      await running.api.close();
      await running.stop();
    },
  });
}

export async function peerTarget({ postgres, receivers }) {
  const url = await postgres.create('bench_peer');
  const port = await freePort();
  const { applications, machine } = clientsOf('peer', receivers);
  const withSecret = (client) => ({ ...client, secret: randomBytes(24).toString('base64url') });
  const clients = [...applications, machine].map(withSecret);
  const passwordHash = await cheapHash();
  const running = await start(program('peer/server.mjs'), {
    NODE_ENV: 'production',
    PORT: String(port),
    DATABASE_URL: url,
    BENCH_CLIENTS: JSON.stringify(clients),
    BENCH_ACCOUNTS: JSON.stringify(logins.map((login) => ({ login, passwordHash, claims: { name: 'A Person' } }))),
  });
  return new Target({
    ...running,
    base: `http://127.0.0.1:${port}`,
    name: 'peer',
    database: 'bench_peer',
    paths: {
      discovery: '/.well-known/openid-configuration',
      jwks: '/jwks',
      token: '/token',
      introspect: '/token/introspection',
      revoke: '/token/revocation',
      userinfo: '/me',
      authorize: '/auth',
      endSession: '/session/end',
    },
    dialog: { marker: 'op.logoutForm', yes: { logout: 'yes' } },
    applications: clients.slice(0, APPLICATIONS),
    machine: clients.at(-1),
    logins,
  });
}

/** The floor: bare `node:http`, `pg` and one signature. */
export async function floorTarget({ postgres }) {
  const url = await postgres.create('bench_floor');
  const port = await freePort();
  const running = await start(program('floor/server.mjs'), {
    NODE_ENV: 'production',
    PORT: String(port),
    DATABASE_URL: url,
  });
  return new Target({ ...running, base: `http://127.0.0.1:${port}`, name: 'floor', database: 'bench_floor' });
}

/** The applications' endpoints for notices. */
export async function startReceivers() {
  const port = await freePort();
  const running = await start(program('receivers.mjs'), { PORT: String(port) });
  return { ...running, base: `http://127.0.0.1:${port}` };
}
