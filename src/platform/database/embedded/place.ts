import { createHash } from 'node:crypto';
import { chmodSync, existsSync, lstatSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canReach, type Account } from './unprivileged-account.js';

/** sun_path holds 108 bytes; Postgres adds `/.s.PGSQL.5432.lock`. */
const LONGEST_SOCKET_DIRECTORY = 85;

/** Where one cluster lives. */
export interface Place {
  /** Our own files about this cluster. */
  readonly base: string;
  readonly data: string;
  readonly sockets: string;
  readonly owner: string;
  readonly log: string;
}

/** Whether an earlier start has made a database for this directory. Looks, and makes nothing. */
export function hasEmbeddedPostgres(dataDir: string): boolean {
  const note = join(dataDir, 'postgres-is-at');
  const base = existsSync(note) ? readFileSync(note, 'utf8').trim() : dataDir;
  return existsSync(join(base, 'postgres'));
}

/** Next to the rest of our data, or, where Postgres's account cannot get there, under /var/lib. Always the same place for the same directory. */
export function placeFor(
  dataDir: string,
  account: Account | undefined,
  log: ((line: string) => void) | undefined,
): Place {
  mkdirSync(dataDir, { recursive: true });
  const hash = createHash('sha256').update(dataDir).digest('hex').slice(0, 12);
  const reachable = canReach(join(dataDir, 'postgres'), account);
  const base = reachable ? dataDir : join('/var/lib/exeunt', hash);
  if (!reachable) {
    mkdirSync(base, { recursive: true });
    // Whatever the umask: Postgres's account must get through. The cluster itself is private to it.
    for (const directory of [join(base, '..'), base]) chmodSync(directory, 0o755);
    writeFileSync(join(dataDir, 'postgres-is-at'), `${base}\n`);
    log?.(`${dataDir} is private to root, and Postgres does not run as root: its data is in ${base}`);
  }
  const near = join(base, 'sockets');
  const sockets = Buffer.byteLength(near) <= LONGEST_SOCKET_DIRECTORY ? near : join(tmpdir(), `exeunt-${hash}`);
  refuseForeignDirectory(sockets, account);
  return {
    base,
    data: join(base, 'postgres'),
    sockets,
    owner: join(base, 'postgres-owner.json'),
    log: join(base, 'postgres.log'),
  };
}

/** A directory of that name in a shared place may have been put there to listen in. */
function refuseForeignDirectory(path: string, account: Account | undefined): void {
  if (!existsSync(path)) return;
  const { uid } = lstatSync(path);
  if (uid !== 0 && uid !== (account?.uid ?? process.getuid?.()))
    throw new Error(`${path} belongs to another account. Remove it.`);
}
