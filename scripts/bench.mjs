// CPU per request of the hot paths, and as a ratio to another provider (oidc-provider, in memory) in the same run.
// Wall-clock rates depend on the machine and are not printed. Usage: npm run bench [-- --requests 3000 --rounds 3]
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, chmodSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import autocannon from 'autocannon';
import { buildIfNeeded } from './build-if-needed.mjs';

const { values } = parseArgs({
  options: { requests: { type: 'string', default: '3000' }, rounds: { type: 'string', default: '3' } },
});
const REQUESTS = Number(values.requests);
const ROUNDS = Number(values.rounds);
const CONNECTIONS = 10;
const CLIENT = { id: 'bench', secret: 'bench-secret-bench-secret-bench-secret' };
const AUTHORIZATION = `Basic ${Buffer.from(`${CLIENT.id}:${CLIENT.secret}`).toString('base64')}`;
const TICKS_PER_SECOND = 100;
const here = (name) => fileURLToPath(new URL(name, import.meta.url));

/** CPU seconds that a process has used so far. */
function cpuOf(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** CPU of the process and, for ours, of every process of its Postgres. */
function cpuOfAll(service) {
  const postgres = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && service.ownsPostgres(name));
  return { node: cpuOf(service.pid), postgres: postgres.reduce((sum, pid) => sum + cpuOf(pid), 0) };
}

/** Postgres's processes work in their data directory. */
function worksBelow(pid, directory) {
  try {
    return readlinkSync(`/proc/${pid}/cwd`).startsWith(directory);
  } catch {
    return false; // it ended, or is not ours to look at
  }
}

async function start(command, args, env, ready) {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  await new Promise((resolve, reject) => {
    child.stdout.on('data', (data) => (output += data).includes(ready) && resolve());
    child.once('exit', (code) => reject(new Error(`${args[0]} ended with ${code}: ${output}`)));
  });
  return { pid: child.pid, stop: () => new Promise((resolve) => (child.once('exit', resolve), child.kill('SIGTERM'))) };
}

async function startExeunt() {
  const dataDir = mkdtempSync(join(tmpdir(), 'exeunt-bench-'));
  chmodSync(dataDir, 0o755);
  const env = {
    PORT: '4310',
    EXEUNT_DATA_DIR: dataDir,
    EXEUNT_ADMIN_CLIENT_ID: CLIENT.id,
    EXEUNT_ADMIN_CLIENT_SECRET: CLIENT.secret,
  };
  const process_ = await start(process.execPath, [here('./start.mjs')], env, 'Exeunt is ready');
  return {
    ...process_,
    base: 'http://localhost:4310',
    paths: { token: '/token', introspect: '/introspect', jwks: '/jwks' },
    ownsPostgres: (pid) => worksBelow(pid, dataDir),
    stop: async () => (await process_.stop(), rmSync(dataDir, { recursive: true, force: true })),
  };
}

async function startPeer() {
  const process_ = await start(
    process.execPath,
    [here('./bench-peer.mjs')],
    { PORT: '4311', BENCH_ID: CLIENT.id, BENCH_SECRET: CLIENT.secret },
    'ready',
  );
  return {
    ...process_,
    base: 'http://localhost:4311',
    paths: { token: '/token', introspect: '/token/introspection', jwks: '/jwks' },
    ownsPostgres: () => false,
  };
}

async function form(base, path, fields) {
  const response = await fetch(base + path, {
    method: 'POST',
    headers: { authorization: AUTHORIZATION },
    body: new URLSearchParams(fields),
  });
  if (response.status !== 200) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
  return response.json();
}

async function load(service, path, method, body) {
  const result = await autocannon({
    url: service.base + path,
    method,
    amount: REQUESTS,
    connections: CONNECTIONS,
    headers: { authorization: AUTHORIZATION, 'content-type': 'application/x-www-form-urlencoded' },
    ...(body === undefined ? {} : { body: new URLSearchParams(body).toString() }),
  });
  if (result.non2xx > 0 || result.errors > 0)
    throw new Error(`${path}: ${result.non2xx} not 2xx, ${result.errors} errors`);
}

/** Microseconds of CPU per request. */
async function measure(service, path, method, body) {
  const before = cpuOfAll(service);
  await load(service, path, method, body);
  const after = cpuOfAll(service);
  const perRequest = (seconds) => (seconds / REQUESTS) * 1e6;
  return { node: perRequest(after.node - before.node), postgres: perRequest(after.postgres - before.postgres) };
}

const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];

buildIfNeeded();
process.stdout.write(
  `${ROUNDS} interleaved rounds of ${REQUESTS} requests each, ${CONNECTIONS} connections, after one to warm up …\n`,
);
const services = { exeunt: await startExeunt(), peer: await startPeer() };
try {
  const cases = [];
  for (const [name, service] of Object.entries(services)) {
    const { access_token: token } = await form(service.base, service.paths.token, { grant_type: 'client_credentials' });
    cases.push(
      {
        what: 'client_credentials',
        name,
        run: () => measure(service, service.paths.token, 'POST', { grant_type: 'client_credentials' }),
      },
      { what: 'introspect', name, run: () => measure(service, service.paths.introspect, 'POST', { token }) },
      { what: 'jwks', name, run: () => measure(service, service.paths.jwks, 'GET') },
    );
  }
  const results = new Map(cases.map((item) => [`${item.what}/${item.name}`, []]));
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const item of cases) {
      const result = await item.run();
      if (round > 0) results.get(`${item.what}/${item.name}`).push(result);
    }
    process.stdout.write(round === 0 ? 'warm\n' : `round ${round} of ${ROUNDS} done\n`);
  }
  process.stdout.write(
    '\nCPU per request in µs, median   Exeunt node  + Postgres   oidc-provider (memory)   ratio (all of ours / theirs)\n',
  );
  for (const what of ['client_credentials', 'introspect', 'jwks']) {
    const ours = results.get(`${what}/exeunt`);
    const theirs = median(results.get(`${what}/peer`).map((result) => result.node));
    const node = median(ours.map((result) => result.node));
    const postgres = median(ours.map((result) => result.postgres));
    const cells = [
      node.toFixed(0).padStart(11),
      postgres.toFixed(0).padStart(11),
      theirs.toFixed(0).padStart(24),
      ((node + postgres) / theirs).toFixed(2).padStart(10),
    ];
    process.stdout.write(`${what.padEnd(31)} ${cells.join('  ')}\n`);
  }
} finally {
  await Promise.all(Object.values(services).map((service) => service.stop()));
}
