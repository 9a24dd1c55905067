import { randomBytes } from 'node:crypto';
import { hash } from '@node-rs/argon2';
import { EXEUNT_DIALOG, EXEUNT_PATHS, registerClient, startExeunt } from '../lib/exeunt.mjs';
import { startPostgres } from '../lib/postgres.mjs';
import { startReceivers } from '../lib/targets.mjs';
import { PASSWORD, Target } from '../lib/target.mjs';
import { stopWhenInterrupted } from '../lib/processes.mjs';
import { fill } from './fill.mjs';
import { Statistics } from './statistics.mjs';

const APPLICATIONS = 20;
const PEOPLE = 40;
const DATABASE = 'bench_scale';

/** Never analyzed and never cleaned up, as a database is that was restored or has just grown; otherwise as it comes. */
const SETTINGS = {
  shared_preload_libraries: 'pg_stat_statements',
  'pg_stat_statements.max': 5000,
  autovacuum: 'off',
  shared_buffers: '2GB',
  max_wal_size: '8GB',
  checkpoint_timeout: '1h',
};

/** A full database, and the service on it. */
export class Scene {
  static async start({ sessions, build, say }) {
    const scene = new Scene();
    scene.stops = [];
    stopWhenInterrupted(() => scene.stop());
    try {
      await scene.#begin({ sessions, build, say });
    } catch (error) {
      await scene.stop();
      throw error;
    }
    return scene;
  }

  async #begin({ sessions, build, say }) {
    const postgres = await startPostgres({ settings: SETTINGS });
    this.stops.unshift(() => postgres.stop());
    const receivers = await startReceivers();
    this.stops.unshift(() => receivers.stop());
    const url = await postgres.create(DATABASE);
    const start = this.#starter(url, build);
    const empty = await start();
    const applications = await register(empty.api, receivers.base);
    const people = await enroll(empty.api);
    await empty.stop();
    const client = await postgres.connect(DATABASE);
    await client.query('UPDATE accounts SET password_hash = $1', [
      await hash(PASSWORD, { memoryCost: 8, timeCost: 1, parallelism: 1 }),
    ]);
    await fill(() => postgres.connect(DATABASE), { sessions, clients: applications.map(({ id }) => id), say });
    this.statistics = await Statistics.of({ admin: postgres.admin, client, database: DATABASE, build });
    const { rows } = await client.query("SELECT id FROM accounts WHERE login = 'filled-7@example.com'");
    this.filled = { account: rows[0].id };
    await client.end();
    const running = await start();
    this.applications = applications;
    [this.application] = applications;
    this.api = running.api;
    const provider = {
      ...running,
      name: 'exeunt',
      paths: EXEUNT_PATHS,
      dialog: EXEUNT_DIALOG,
      applications,
      logins: people,
    };
    this.target = new Target(provider);
    [this.connection] = this.target.lanes;
    this.stops.unshift(() => this.target.close());
  }

  /** The same service again: with its secrets, and few connections, so that each has its plans soon. */
  #starter(url, build) {
    const env = {
      EXEUNT_SECRET: randomBytes(32).toString('base64url'),
      EXEUNT_ADMIN_CLIENT_SECRET: randomBytes(24).toString('base64url'),
      DATABASE_POOL_SIZE: '4',
    };
    return async () => {
      const running = await startExeunt({
        url,
        build,
        env,
        admin: { id: 'bench-admin', secret: env.EXEUNT_ADMIN_CLIENT_SECRET },
      });
      return {
        ...running,
        async stop() {
          await running.api.close();
          await running.stop();
        },
      };
    };
  }

  applicationNumber(n) {
    return this.applications[n % this.applications.length].id;
  }

  async stop() {
    for (const stop of this.stops.splice(0)) await stop();
  }
}

async function register(api, receivers) {
  const applications = [];
  for (let n = 0; n < APPLICATIONS; n += 1) {
    const client = {
      id: `app-${n}`,
      redirectUri: `http://127.0.0.1:9/app-${n}/callback`,
      notices: `${receivers}/notice/exeunt`,
    };
    applications.push(await registerClient(api, client));
  }
  await registerClient(api, { id: 'unused', redirectUri: 'http://127.0.0.1:9/unused/callback' });
  return applications;
}

async function enroll(api) {
  const logins = Array.from({ length: PEOPLE }, (_none, n) => `person-${n}@example.com`);
  for (const login of logins)
    await api.json('POST', '/admin/v1/accounts', { login, password: PASSWORD, claims: { name: 'A Person' } });
  return logins;
}
