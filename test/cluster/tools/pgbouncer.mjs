// The PgBouncer of the cluster tests: `node test/cluster/tools/pgbouncer.mjs` prints the path of the program, and builds
// it first where it is not there. Debian 12 has 1.18, which keeps no prepared statements (1.21 and newer do); this is the
// release of Debian 13, from its source package. PGBOUNCER names another program to use.
//
// Building needs a C compiler, make, pkg-config, curl and the headers of libevent and OpenSSL. As root, what is missing
// is installed by apt-get; as anybody else, the message says what to install.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { availableParallelism, homedir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const VERSION = '1.24.1';
const URL_OF_SOURCE = `https://deb.debian.org/debian/pool/main/p/pgbouncer/pgbouncer_${VERSION}.orig.tar.gz`;
/** As Debian's signed index of the sources of trixie says. */
const SHA256 = 'da72a3aba13072876d055a3e58dd4aba4a5de4ed6148e73033185245598fd3e0';
const PACKAGES = ['gcc', 'make', 'pkg-config', 'libevent-dev', 'libssl-dev', 'curl', 'ca-certificates'];

const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'exeunt');
const built = join(cache, `pgbouncer-${VERSION}`);

/** The path of the program. Builds it where that was not done yet, which takes about a minute. */
export function pgbouncer() {
  if (process.env.PGBOUNCER !== undefined) return process.env.PGBOUNCER;
  if (!existsSync(built)) build();
  return built;
}

function build() {
  requirePackages();
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, 'building-'));
  try {
    const source = join(work, 'source.tar.gz');
    execFileSync('curl', ['--fail', '--silent', '--show-error', '--retry', '3', '--output', source, URL_OF_SOURCE]);
    const found = createHash('sha256').update(readFileSync(source)).digest('hex');
    if (found !== SHA256) throw new Error(`${URL_OF_SOURCE} is not what it was: its SHA-256 is ${found}`);
    run(work, 'tar', '-xzf', source, '--strip-components=1');
    run(work, './configure', '--without-cares', '--without-pam', '--without-systemd');
    run(work, 'make', `-j${Math.min(2, availableParallelism())}`, 'pgbouncer');
    // Complete or not there: two that build at once do not get in each other's way.
    renameSync(join(work, 'pgbouncer'), built);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function requirePackages() {
  const missing = PACKAGES.filter((name) => !isInstalled(name));
  if (missing.length === 0) return;
  if (process.getuid() !== 0) throw new Error(`to build PgBouncer: apt-get install ${missing.join(' ')}`);
  run('/', 'apt-get', 'update', '-q');
  run('/', 'apt-get', 'install', '-q', '-y', '--no-install-recommends', ...missing);
}

function isInstalled(name) {
  try {
    const status = execFileSync('dpkg-query', ['-W', '-f', '${db:Status-Status}', name], { stdio: 'pipe' });
    return String(status) === 'installed';
  } catch {
    return false;
  }
}

/** What it says goes to stderr: stdout is for the path. */
function run(cwd, program, ...args) {
  execFileSync(program, args, {
    cwd,
    stdio: ['ignore', 2, 2],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) process.stdout.write(`${pgbouncer()}\n`);
