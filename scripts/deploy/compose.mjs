import { spawn } from 'node:child_process';
import { chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { pgbouncer as pgbouncerProgram } from '../../test/cluster/tools/pgbouncer.mjs';
import { program, pythonPackages, ROOT, run, tool } from './tools.mjs';

const NOBODY = 65534;
const DEBIAN_POSTGRES = '/usr/lib/postgresql';

/** @param {string} text @throws with what hadolint says of it */
export function dockerfile(text) {
  const configuration = join(ROOT, 'deploy', 'check', 'hadolint.yaml');
  run(join(pythonPackages(), 'bin', 'hadolint'), ['--no-color', '--config', configuration, '-'], { input: text });
}

/** @param {string} text @throws unless it is a Compose file, with each variable that it demands set */
export function compose(text) {
  const filled = text.replaceAll(/\$\{\w+(?::([-?])([^}]*))?\}/g, (_all, kind, word) =>
    kind === '-' ? word : 'a-value',
  );
  tool('compose', { text: filled });
}

const PLACES = {
  PRIMARY_BIND: '127.0.0.1:15000',
  REPLICA_BIND: '127.0.0.1:15001',
  HTTP_BIND: '127.0.0.1:18080',
  POSTGRES_ONE: 'postgres-one:5432',
  POSTGRES_TWO: 'postgres-two:5432',
  POSTGRES_THREE: 'postgres-three:5432',
  PATRONI_ONE_PORT: '8008',
  PATRONI_TWO_PORT: '8008',
  PATRONI_THREE_PORT: '8008',
  NODE_ONE: 'exeunt-one:3000',
  NODE_TWO: 'exeunt-two:3000',
};

/** @param {string} text @throws with what HAProxy says of it. It opens no port. */
export function haproxy(text, work) {
  const file = join(work, 'haproxy.cfg');
  writeFileSync(file, text);
  run(program('haproxy', 'haproxy'), ['-c', '-f', file], { env: { ...process.env, ...PLACES } });
}

/** @param {string} text @throws with what Patroni says of it. It wants to reach an etcd; a port that listens is enough. */
export async function patroni(text, work) {
  const file = join(work, 'patroni.yml');
  writeFileSync(file, text);
  const etcd = createServer();
  await new Promise((resolve) => etcd.listen(0, '127.0.0.1', resolve));
  const env = {
    ...process.env,
    PATRONI_NAME: 'one',
    PATRONI_RESTAPI_LISTEN: '127.0.0.1:18008',
    PATRONI_RESTAPI_CONNECT_ADDRESS: 'postgres-one:8008',
    PATRONI_ETCD3_HOSTS: `'127.0.0.1:${etcd.address().port}'`,
    PATRONI_POSTGRESQL_LISTEN: '127.0.0.1:15432',
    PATRONI_POSTGRESQL_CONNECT_ADDRESS: 'postgres-one:5432',
    PATRONI_POSTGRESQL_DATA_DIR: join(work, 'data'),
    PATRONI_POSTGRESQL_BIN_DIR: binaries(),
    PATRONI_SUPERUSER_USERNAME: 'postgres',
    PATRONI_SUPERUSER_PASSWORD: 'only-here',
    PATRONI_REPLICATION_USERNAME: 'replicator',
    PATRONI_REPLICATION_PASSWORD: 'only-here',
    PATRONI_REWIND_USERNAME: 'rewinder',
    PATRONI_REWIND_PASSWORD: 'only-here',
  };
  try {
    // The port is of this process, which must not wait for Patroni by standing still.
    const { status, output } = await ended(spawn(program('patroni', 'patroni'), ['--validate-config', file], { env }));
    if (status !== 0) throw new Error(output);
  } finally {
    etcd.close();
  }
}

/** Where Debian has Postgres's programs, which Patroni looks for. */
function binaries() {
  program('pg_lsclusters', 'postgresql');
  return run('sh', ['-c', `ls -d ${DEBIAN_POSTGRES}/*/bin | sort -V | tail -n 1`]).trim();
}

const PATIENCE_MS = 10_000;

/** @param {string} text @throws with what PgBouncer says, unless it runs with it, by the entrypoint of its image */
export async function pgbouncer(text, work) {
  const directory = join(work, 'pgbouncer');
  mkdirSync(directory, { recursive: true });
  const file = join(directory, 'included.ini');
  writeFileSync(file, text);
  // It refuses to be root.
  const user = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
  if (user.uid !== undefined) for (const path of [work, directory, file]) chownSync(path, NOBODY, NOBODY);
  const child = spawn('sh', [join(ROOT, 'deploy', 'compose', 'pgbouncer', 'entrypoint.sh')], {
    ...user,
    env: {
      PATH: process.env.PATH,
      EXEUNT_DATABASE_PASSWORD: 'with a "quote"',
      PGBOUNCER: runnableByAll(pgbouncerProgram(), directory),
      PGBOUNCER_RUN_DIRECTORY: directory,
      PGBOUNCER_CONFIG: file,
      PGBOUNCER_HOST: '127.0.0.1',
      PGBOUNCER_PORT: '16432',
    },
  });
  const stop = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
  const { output } = await ended(child, (said) => said.includes('process up') && child.kill('SIGTERM'));
  clearTimeout(stop);
  if (!output.includes('process up') || output.includes('ERROR')) throw new Error(output);
}

/** The cache may lie in a home that only its owner enters. */
function runnableByAll(path, directory) {
  const copy = join(directory, 'pgbouncer');
  run('cp', [path, copy]);
  run('chmod', ['755', copy]);
  return copy;
}

/** Waits until a program has ended. @param {(output: string) => void} [hears] what it has said so far, each time */
function ended(child, hears = () => {}) {
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data) => {
      output += String(data);
      hears(output);
    });
  return new Promise((resolve) => child.once('close', (status) => resolve({ status, output })));
}
