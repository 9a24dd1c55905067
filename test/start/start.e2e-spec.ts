import { existsSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { aDataDirectory, ADMIN_ENV, buildOnce, Operator, remove, Service, tokenRequest } from './service.js';

vi.setConfig({ testTimeout: 60_000 });

const SECRET = /client secret {8}(\S+)/;

describe('npm start with the Postgres that it brings', () => {
  let dataDir: string;
  let service: Service | undefined;

  beforeAll(buildOnce);
  beforeEach(() => {
    dataDir = aDataDirectory();
  });
  afterEach(async () => {
    await service?.stop();
    remove(dataDir);
  });

  async function start(env: Record<string, string> = {}): Promise<Service> {
    service = await Service.start({ EXEUNT_DATA_DIR: dataDir, ...env });
    return service;
  }

  it('says where it is and shows the administrator’s secret at the first start only, and keeps the data', async () => {
    const first = await start();
    expect(first.output).toContain(`Exeunt is ready at ${first.base}`);
    expect(first.output).toContain(`${first.base}/docs`);
    const secret = SECRET.exec(first.output)?.[1] ?? '';
    expect(first.output.split(secret)).toHaveLength(2);
    const operator = await Operator.at(first.base, 'exeunt-admin', secret);
    const { id } = await operator.call<{ id: string }>('POST', '/accounts', { login: 'mia@example.com' });
    expect(await first.stop()).toEqual({ code: 0, signal: null });

    const second = await start();
    expect(second.output).not.toMatch(SECRET);
    expect(second.output).not.toContain(secret);
    const again = await Operator.at(second.base, 'exeunt-admin', secret);
    expect(await again.call('GET', `/accounts/${id}`)).toMatchObject({ login: 'mia@example.com' });
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('answers what is under way at %s, and stops Postgres last', async (name) => {
    const running = await start(ADMIN_ENV);
    const body = `grant_type=client_credentials&client_id=${ADMIN_ENV.EXEUNT_ADMIN_CLIENT_ID}`;
    const authorization = Buffer.from(Object.values(ADMIN_ENV).join(':')).toString('base64');
    const socket = connect(Number(new URL(running.base).port), '127.0.0.1');
    let answer = '';
    socket.on('data', (data) => (answer += data.toString()));
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.write(
      `POST /token HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic ${authorization}\r\nExpect: 100-continue\r\n` +
        `Content-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.length}\r\n\r\n`,
    );
    // It has begun to read the request: it asks for the rest.
    await vi.waitUntil(() => answer.includes('100 Continue'), { timeout: 10_000 });
    running.signal(name);
    await running.says(`Stopping: ${name}`);
    expect(existsSync(join(dataDir, 'postgres', 'postmaster.pid'))).toBe(true);
    socket.write(body);
    const asked = performance.now();
    await closed;
    // Its connection is kept alive, which does not hold up the end until the limit of ten seconds.
    expect(performance.now() - asked).toBeLessThan(5000);
    expect(answer).toContain('HTTP/1.1 200 OK');
    expect(answer).toContain('access_token');
    expect(await running.ended).toEqual({ code: 0, signal: null });
    expect(existsSync(join(dataDir, 'postgres', 'postmaster.pid'))).toBe(false);
  });

  it('stops with an error when its Postgres is killed, and starts again with the data', async () => {
    const first = await start(ADMIN_ENV);
    const operator = await Operator.at(first.base);
    const { id } = await operator.call<{ id: string }>('POST', '/accounts', { login: 'noa@example.com' });
    const pid = Number(readFileSync(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0]);
    process.kill(pid, 'SIGKILL');
    expect(await first.ended).toMatchObject({ code: 1 });
    expect(first.output).toContain('Postgres ended (SIGKILL)');

    const second = await start(ADMIN_ENV);
    const again = await Operator.at(second.base);
    expect(await again.call('GET', `/accounts/${id}`)).toMatchObject({ login: 'noa@example.com' });
  });

  it('takes the administrator’s id and secret from the environment and does not print the secret', async () => {
    const first = await start(ADMIN_ENV);
    expect(first.output).not.toContain(ADMIN_ENV.EXEUNT_ADMIN_CLIENT_SECRET);
    await first.stop();
    const second = await start({ ...ADMIN_ENV, EXEUNT_ADMIN_CLIENT_SECRET: 'another-secret-another-secret' });
    const { EXEUNT_ADMIN_CLIENT_ID: id, EXEUNT_ADMIN_CLIENT_SECRET: old } = ADMIN_ENV;
    expect((await tokenRequest(second.base, id, 'another-secret-another-secret')).status).toBe(200);
    expect((await tokenRequest(second.base, id, old)).status).toBe(401);
  });
});
