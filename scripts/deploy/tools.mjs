import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CHECK = join(ROOT, 'deploy', 'check');
const CACHE = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'exeunt');
const PLACES = ['/usr/sbin', '/usr/bin', ...(process.env.PATH ?? '').split(delimiter)];

/**
 * Runs a program to its end.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {import('node:child_process').SpawnSyncOptions} [options]
 * @returns {string} what it printed
 * @throws with everything that it said, if it failed
 */
export function run(command, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    ...options,
  });
  if (status === 0) return String(stdout);
  throw new Error([error?.message, stdout, stderr].filter(Boolean).join('\n') || `${command} ended with ${status}`);
}

/**
 * The path of a program of Debian. As root it is installed where it is missing.
 *
 * @param {string} name
 * @param {string} debian the package
 */
export function program(name, debian) {
  const find = () => PLACES.map((place) => join(place, name)).find((path) => existsSync(path));
  return find() ?? (install(debian), find()) ?? missing(name, debian);
}

/** Prometheus's own checker. The package is only unpacked: installing it would start a server. */
export function promtool() {
  const found = PLACES.map((place) => join(place, 'promtool')).find((path) => existsSync(path));
  if (found !== undefined) return found;
  const directory = made('prometheus', (work) => {
    if (process.getuid?.() === 0) run('apt-get', ['update', '-q']);
    run('apt-get', ['download', '-q', 'prometheus'], { cwd: work });
    const [archive] = readdirSync(work).filter((name) => name.endsWith('.deb'));
    run('dpkg', ['-x', join(work, archive), join(work, 'unpacked')]);
  });
  return join(directory, 'unpacked', 'usr', 'bin', 'promtool');
}

/** A directory with the packages that deploy/check/requirements.txt names: its `bin` has their programs. */
export function pythonPackages() {
  const requirements = readFileSync(join(CHECK, 'requirements.txt'));
  return made(`deploy-python-${digest(requirements)}`, (work) => {
    const create = () => run('python3', ['-m', 'venv', '--copies', work]);
    try {
      create();
    } catch {
      install('python3-venv');
      create();
    }
    // By `python -m pip`: the programs of the directory name the place where it was made.
    run(join(work, 'bin', 'python'), [
      '-m',
      'pip',
      'install',
      '-q',
      '--disable-pip-version-check',
      '-r',
      join(CHECK, 'requirements.txt'),
    ]);
  });
}

/** A directory with the packages that deploy/check/package-lock.json names. */
export function npmPackages() {
  return made(`deploy-npm-${digest(readFileSync(join(CHECK, 'package-lock.json')))}`, (work) => {
    for (const file of ['package.json', 'package-lock.json', '.npmrc']) cpSync(join(CHECK, file), join(work, file));
    run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: work });
  });
}

/**
 * Asks deploy/check/tools.py.
 *
 * @param {string} command
 * @param {object} input
 */
export function tool(command, input) {
  const python = join(pythonPackages(), 'bin', 'python');
  return JSON.parse(run(python, [join(CHECK, 'tools.py'), command], { input: JSON.stringify(input) }));
}

/** A directory of the cache, whole or not there: made beside it and then moved. */
function made(name, make) {
  const directory = join(CACHE, name);
  if (existsSync(directory)) return directory;
  mkdirSync(CACHE, { recursive: true });
  const work = mkdtempSync(join(CACHE, 'making-'));
  try {
    make(work);
    renameSync(work, directory);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return directory;
}

function install(debian) {
  if (process.getuid?.() !== 0) missing(debian, debian);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  run('apt-get', ['update', '-q'], { env });
  run('apt-get', ['install', '-y', '-q', '--no-install-recommends', debian], { env });
}

function missing(name, debian) {
  throw new Error(`${name} is needed: apt-get install ${debian}`);
}

function digest(content) {
  return createHash('sha256').update(content).digest('hex').slice(0, 12);
}
