import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { join } from 'node:path';
import { metric } from '../faults/scene.js';
import { freePort } from '../support/ports.js';
import { aDataDirectory, ADMIN_ENV, buildOnce, Operator, remove, Service, tokenRequest } from './service.js';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const WORKERS = 2;
const SOON = { timeout: 60_000, interval: 50 };
const SECRET = /client secret {8}(\S+)/;

/** Processes of the service, without Postgres. */
function workersOf(service: Service): number[] {
  const pid = service.child.pid ?? 0;
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .split(' ')
    .filter((child) => child !== '')
    .map(Number)
    .filter((child) => isWorker(child));
}

function isWorker(pid: number): boolean {
  const path = `/proc/${pid}/cmdline`;
  return existsSync(path) && readFileSync(path, 'utf8').includes('dist/src/main.js');
}

function isAlive(pid: number): boolean {
  return spawnSync('kill', ['-0', String(pid)]).status === 0 && isWorker(pid);
}

async function serving(service: Service): Promise<number | undefined> {
  return (await metric(service.base, 'exeunt_workers')).get('');
}

/** By a connection of its own, so that the next worker gets it. */
function aToken(base: string): Promise<number> {
  const authorization = `Basic ${Buffer.from(Object.values(ADMIN_ENV).join(':')).toString('base64')}`;
  const headers = { authorization, 'content-type': 'application/x-www-form-urlencoded', connection: 'close' };
  return new Promise((resolve, reject) => {
    const call = request(`${base}/token`, { method: 'POST', headers, agent: false }, (response) => {
      response.resume().once('end', () => resolve(response.statusCode ?? 0));
    });
    call.once('error', reject).end('grant_type=client_credentials');
  });
}

describe(`npm start with WORKERS=${WORKERS}`, () => {
  let dataDir: string;
  let service: Service | undefined;

  beforeAll(buildOnce);
  beforeEach(() => {
    dataDir = aDataDirectory();
  });
  afterEach(async () => {
    await service?.stop('SIGKILL');
    service = undefined;
    remove(dataDir);
  });

  async function start(env: Record<string, string> = ADMIN_ENV): Promise<Service> {
    service = await Service.start({ EXEUNT_DATA_DIR: dataDir, WORKERS: String(WORKERS), ...env });
    return service;
  }

  it('says once that it is ready and who administers it, and ends all of it at SIGTERM', async () => {
    const running = await start({});
    expect(running.output.split('Exeunt is ready at')).toHaveLength(2);
    expect(running.output.match(new RegExp(SECRET, 'g'))).toHaveLength(1);
    const secret = SECRET.exec(running.output)?.[1] ?? '';
    const operator = await Operator.at(running.base, 'exeunt-admin', secret);
    expect(await operator.call('GET', '/clients')).toMatchObject({ items: [{ client_id: 'exeunt-admin' }] });
    const pids = workersOf(running);
    expect(pids).toHaveLength(WORKERS);
    expect(await running.stop()).toEqual({ code: 0, signal: null });
    expect(running.output.split('Stopping: SIGTERM')).toHaveLength(2);
    expect(pids.filter(isAlive)).toEqual([]);
    expect(existsSync(join(dataDir, 'postgres', 'postmaster.pid'))).toBe(false);
  });

  it('ends all of it by a signal to the whole group, as a terminal and systemd send it', async () => {
    const running = await start();
    const pids = workersOf(running);
    for (const pid of pids) process.kill(pid, 'SIGINT');
    expect(await running.stop('SIGINT')).toEqual({ code: 0, signal: null });
    expect(pids.filter(isAlive)).toEqual([]);
  });

  it('answers metrics for all workers, whichever is asked', async () => {
    const running = await start();
    const calls = Array.from({ length: 20 }, () => aToken(running.base));
    expect(new Set(await Promise.all(calls))).toEqual(new Set([200]));
    for (let n = 0; n < 2 * WORKERS; n += 1) {
      expect(await serving(running)).toBe(WORKERS);
      const tokens = await metric(running.base, 'exeunt_token_responses_total');
      expect(tokens.get('grant_type="client_credentials",outcome="issued"')).toBe(20);
      expect((await metric(running.base, 'exeunt_change_feed_up')).get('')).toBe(1);
      expect((await metric(running.base, 'exeunt_deliveries')).get('state="pending"')).toBe(0);
    }
  });

  it('replaces a worker that dies, says of what, and answers meanwhile', async () => {
    const running = await start();
    const [victim = 0, other = 0] = workersOf(running);
    process.kill(victim, 'SIGKILL');
    await running.says(`(process ${victim}) ended: SIGKILL; another one starts in 0.25 s`);
    expect(await aToken(running.base)).toBe(200);
    await vi.waitUntil(() => workersOf(running).length === WORKERS, SOON);
    expect(workersOf(running)).toContain(other);
    await vi.waitUntil(async () => (await serving(running)) === WORKERS, SOON);
    // Now the new one serves alone.
    process.kill(other, 'SIGKILL');
    await running.says(`(process ${other}) ended: SIGKILL`);
    expect(await aToken(running.base)).toBe(200);
    expect(await running.stop()).toEqual({ code: 0, signal: null });
  });

  it('ends with an error when workers die again and again', async () => {
    const running = await start();
    const killing = setInterval(() => spawnSync('pkill', ['-KILL', '-P', String(running.child.pid), 'node']), 50);
    await running.says('workers ended within a minute, the last one by SIGKILL');
    clearInterval(killing);
    expect(await running.ended).toEqual({ code: 1, signal: null });
    expect(existsSync(join(dataDir, 'postgres', 'postmaster.pid'))).toBe(false);
  });

  it('ends with an error when it cannot listen, and leaves nothing behind', async () => {
    const port = await freePort();
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(port, '127.0.0.1', resolve));
    service = await Service.launch({ EXEUNT_DATA_DIR: dataDir, WORKERS: '2', PORT: String(port), ...ADMIN_ENV });
    expect(await service.ended).toEqual({ code: 1, signal: null });
    expect(service.output).toContain('EADDRINUSE');
    expect(existsSync(join(dataDir, 'postgres', 'postmaster.pid'))).toBe(false);
    await new Promise((resolve) => taken.close(resolve));
  });
});

it('WORKERS=auto is one worker a core', async () => {
  const dataDir = aDataDirectory();
  const service = await Service.start({ EXEUNT_DATA_DIR: dataDir, WORKERS: 'auto', ...ADMIN_ENV });
  const cores = Number(spawnSync('nproc', { encoding: 'utf8' }).stdout);
  expect(workersOf(service)).toHaveLength(cores === 1 ? 0 : cores);
  const answer = await tokenRequest(service.base, ...(Object.values(ADMIN_ENV) as [string, string]));
  expect(answer.status).toBe(200);
  expect(await service.stop()).toEqual({ code: 0, signal: null });
  remove(dataDir);
});
