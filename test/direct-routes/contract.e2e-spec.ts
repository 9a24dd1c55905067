import { ExpressAdapter } from '@nestjs/platform-express';
import { DirectRoutesAdapter } from '../../src/web/kit/direct/direct-routes.adapter.js';
import { ADMIN, basic, TestApp } from '../support/app.js';
import { sendRaw, type RawAnswer } from './raw-http.js';
import { requests } from './requests.js';

const SETTINGS = { issuer: 'http://id.example.test', registration: 'token', trustProxy: '1' } as const;

describe('the direct way gives what Express gives (decision 0050)', () => {
  let direct: TestApp;
  let express: TestApp;
  let adapter: DirectRoutesAdapter;

  beforeAll(async () => {
    adapter = new DirectRoutesAdapter();
    direct = await TestApp.start(SETTINGS, { adapter });
    express = await TestApp.start(SETTINGS, { adapter: new ExpressAdapter(), db: direct.db, clock: direct.clock });
  });
  afterAll(async () => {
    await express.stop();
    await direct.stop();
  });

  function takenTotal(): number {
    return [...adapter.taken.values()].reduce((sum, count) => sum + count, 0);
  }

  it('for a table of ordinary and odd requests: status, headers, body', async () => {
    const table = requests(basic(ADMIN));
    expect(table.length).toBeGreaterThan(500);
    const ours: Record<string, RawAnswer | undefined> = {};
    const theirs: Record<string, RawAnswer | undefined> = {};
    for (const request of table) {
      ours[request.name] = await sendRaw(direct.settings.port, request);
      theirs[request.name] = await sendRaw(express.settings.port, request);
    }
    expect(ours).toEqual(theirs);
    // The table is worth what it reaches.
    expect(takenTotal()).toBeGreaterThan(300);
    const statuses = new Set(Object.values(ours).map((answer) => answer?.status.split(' ')[1]));
    for (const status of ['200', '204', '303', '304', '400', '401', '404', '405', '413', '415'])
      expect([...statuses]).toContain(status);
  }, 120_000);
});
