import { execFileSync } from 'node:child_process';
import { copyFileSync, chmodSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { aDataDirectory } from '../../start/service.js';
import { freePort } from '../../support/ports.js';
import { Daemon, giveToPostgres } from './daemon.js';

/** Where a pooler leads, and how: each member of `settings` is a line of its `[pgbouncer]` section. */
export interface PoolerPlan {
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string;
  readonly settings?: Readonly<Record<string, string | number>>;
}

/** A PgBouncer in transaction mode, unless `settings` say otherwise. */
export class PgBouncer {
  private constructor(
    private readonly directory: string,
    private readonly daemon: Daemon,
    readonly url: string,
  ) {}

  static async start({ port, database, user, password, settings = {} }: PoolerPlan): Promise<PgBouncer> {
    const directory = aDataDirectory();
    giveToPostgres(directory);
    const listenPort = await freePort();
    // It runs as another user, who may not look into the directory that it was built in.
    const program = join(directory, 'pgbouncer');
    copyFileSync(builtProgram(), program);
    chmodSync(program, 0o755);
    writeFileSync(join(directory, 'users.txt'), `"${user}" "${password}"\n`);
    const lines = Object.entries({
      listen_addr: '127.0.0.1',
      listen_port: listenPort,
      unix_socket_dir: '',
      auth_type: 'scram-sha-256',
      auth_file: join(directory, 'users.txt'),
      pool_mode: 'transaction',
      default_pool_size: 20,
      // Postgres moves: it is tried again at once, and who waits for it is let go before their own patience ends.
      server_login_retry: 1,
      query_wait_timeout: 10,
      ...settings,
    }).map(([name, value]) => `${name} = ${value}`);
    const file = join(directory, 'pgbouncer.ini');
    writeFileSync(
      file,
      `[databases]\n${database} = host=127.0.0.1 port=${port} dbname=${database}\n[pgbouncer]\n${lines.join('\n')}\n`,
    );
    const daemon = Daemon.start('pgbouncer', directory, program, [file], { asPostgres: true });
    return new PgBouncer(directory, daemon, `postgres://${user}:${password}@127.0.0.1:${listenPort}/${database}`);
  }

  get log(): string {
    return this.daemon.log;
  }

  async stop(): Promise<void> {
    await this.daemon.stop('SIGKILL');
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** The path of the program, which is built first where it is not there. */
function builtProgram(): string {
  const script = 'test/cluster/tools/pgbouncer.mjs';
  return execFileSync(process.execPath, [script], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim();
}
