import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chownSync, openSync, closeSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { postgresProcessesIn } from '../../../src/platform/database/embedded/processes.js';

/** Postgres refuses to run as root, and so does whatever starts it. */
const POSTGRES_USER =
  process.getuid?.() === 0 ? { uid: idOf('-u'), gid: idOf('-g') } : { uid: undefined, gid: undefined };

/** A program of others that runs beside the service, with a log of its own in the directory of the test. */
export class Daemon {
  private readonly ended: Promise<void>;

  private constructor(
    readonly name: string,
    private readonly child: ChildProcess,
    private readonly logFile: string,
  ) {
    this.ended = new Promise((resolve) => child.once('close', () => resolve()));
  }

  /** Its words go to `<directory>/<name>.log`, also when it is started again. */
  static start(
    name: string,
    directory: string,
    command: string,
    args: readonly string[],
    { asPostgres = false, env = {} }: { readonly asPostgres?: boolean; readonly env?: NodeJS.ProcessEnv } = {},
  ): Daemon {
    const logFile = join(directory, `${name}.log`);
    const log = openSync(logFile, 'a');
    const child = spawn(command, args, {
      cwd: directory,
      env: { PATH: '/usr/bin:/usr/sbin:/bin', LC_ALL: 'C.UTF-8', ...env },
      stdio: ['ignore', log, log],
      ...(asPostgres && POSTGRES_USER.uid !== undefined ? POSTGRES_USER : {}),
    });
    closeSync(log);
    return new Daemon(name, child, logFile);
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  get log(): string {
    return readFileSync(this.logFile, 'utf8');
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  async stop(name: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    this.signal(name);
    await this.ended;
  }
}

/** A directory that Postgres's account owns. */
export function giveToPostgres(directory: string): void {
  if (POSTGRES_USER.uid !== undefined && POSTGRES_USER.gid !== undefined)
    chownSync(directory, POSTGRES_USER.uid, POSTGRES_USER.gid);
}

/** Sends the signal to each process of the Postgres in this data directory, or those whose title matches. */
export function signalPostgres(dataDirectory: string, name: NodeJS.Signals, title = /./): void {
  for (const pid of postgresProcessesIn(dataDirectory)) {
    try {
      if (title.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8'))) process.kill(pid, name);
    } catch {
      // It ended while we looked.
    }
  }
}

function idOf(flag: string): number | undefined {
  const { status, stdout } = spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' });
  return status === 0 ? Number(stdout) : undefined;
}
