import { aDataDirectory, ADMIN_ENV, buildOnce, remove, Service } from './service.js';

vi.setConfig({ testTimeout: 60_000 });

describe('the log of a running service', () => {
  const dataDir = aDataDirectory();
  let service: Service | undefined;
  const PRODUCTION = {
    NODE_ENV: 'production',
    HOST: '127.0.0.1',
    EXEUNT_SECRET: 'k'.repeat(40),
    EXEUNT_DATA_DIR: dataDir,
  };

  beforeAll(buildOnce);
  afterEach(() => service?.stop());
  afterAll(() => remove(dataDir));

  async function start(env: Record<string, string>): Promise<Service> {
    service = await Service.launch(env);
    await service.says('Exeunt is ready at');
    return service;
  }

  it('in production: JSON alone, without banner, secret or route list, and it says where it is', async () => {
    const running = await start({ ...PRODUCTION, ...ADMIN_ENV });
    const lines = running.output.trim().split('\n');
    const said = lines.map((line) => JSON.parse(line) as { level: string; msg: string });
    expect(said.some(({ msg }) => msg === `Exeunt is ready at ${running.base}`)).toBe(true);
    expect(running.output).not.toMatch(/Mapped|dependencies initialized|client secret/);
    expect(running.output).not.toContain(ADMIN_ENV.EXEUNT_ADMIN_CLIENT_SECRET);
    expect(new Set(said.map(({ level }) => level))).toEqual(new Set(['info']));
  });

  it('in production without a secret for the admin client: none is printed, and the log says how to get one', async () => {
    const running = await start({ ...PRODUCTION, EXEUNT_ADMIN_CLIENT_ID: 'somebody-new' });
    await running.says('admin:recover');
    expect(running.output).toContain('Nobody has seen the secret of the admin client somebody-new');
    expect(running.output).not.toMatch(/[A-Za-z0-9_-]{43}/);
  });

  it.each([
    ['production', PRODUCTION],
    ['a terminal', { EXEUNT_SECRET: PRODUCTION.EXEUNT_SECRET, EXEUNT_DATA_DIR: dataDir }],
  ])('a reference that a page shows is found in the log at the default level (%s)', async (_, env) => {
    const running = await start({ ...env, ...ADMIN_ENV });
    const page = await (await fetch(`${running.base}/authorize?client_id=nobody`)).text();
    const reference = /Reference<\/dt><dd><code>([0-9a-f]{16})</.exec(page)?.[1] ?? 'none';
    await running.says(`request ${reference} refused: 400 invalid_request: The application that sent you here`);
  });

  it('warns when nobody is trusted in front of an https issuer', async () => {
    const running = await start({ ...PRODUCTION, ...ADMIN_ENV, ISSUER: 'https://id.example.org' });
    expect(running.output).toContain('EXEUNT_TRUST_PROXY is not set');
    await running.stop();
    const trusting = await start({
      ...PRODUCTION,
      ...ADMIN_ENV,
      ISSUER: 'https://id.example.org',
      EXEUNT_TRUST_PROXY: '1',
    });
    expect(trusting.output).not.toContain('EXEUNT_TRUST_PROXY is not set');
  });
});
