import { ConsoleLogger } from '@nestjs/common';
import { AccountsService } from '../src/accounts/accounts.service.js';
import { FirstAdminClient } from '../src/admin/first-admin-client.js';
import { createApp } from '../src/app.setup.js';
import { ClientsService } from '../src/clients/clients.service.js';
import { loadSettings } from '../src/config/settings.js';
import { startEmbeddedPostgres } from '../src/database/embedded/embedded-postgres.js';
import { migrate } from '../src/database/migrate.js';
import { stopGracefully } from '../src/shutdown.js';
import { createDemoApp, demoClientMetadata, type DemoApp } from './demo-app.js';

const LOGIN = 'demo';
const PASSWORD = 'demo-password';
const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** The service, one person, two applications: what `npm run demo` shows. */
const settings = loadSettings({ EXEUNT_DATA_DIR: './.exeunt-demo', ...process.env });
const applications = [
  { clientId: 'demo-ledger', name: 'Ledger', port: settings.port + 1 },
  { clientId: 'demo-calendar', name: 'Calendar', port: settings.port + 2 },
];
const urlOf = (port: number): string => `http://localhost:${port}`;

const embedded =
  settings.databaseUrl === undefined ? await startEmbeddedPostgres({ dataDir: settings.dataDir, log: say }) : undefined;
const databaseUrl = settings.databaseUrl ?? embedded?.url ?? '';
await migrate(databaseUrl);
const service = await createApp(
  { ...settings, databaseUrl },
  new ConsoleLogger({ logLevels: ['fatal', 'error', 'warn'] }),
);
await service.get(FirstAdminClient).ensure();

const accounts = service.get(AccountsService);
const existing = await accounts.list({ limit: 1, search: LOGIN });
if (!existing.items.some((account) => account.login === LOGIN)) {
  await accounts.create({
    login: LOGIN,
    password: PASSWORD,
    claims: { name: 'Demo Person', email: 'demo@example.com' },
  });
}

await service.listen(settings.port, settings.host);

const running: DemoApp[] = [];
for (const { clientId, name, port } of applications) {
  const clients = service.get(ClientsService);
  const metadata = demoClientMetadata(name, urlOf(port));
  const { clientSecret } = await clients.ensureClient(clientId, undefined, metadata);
  const secret = clientSecret ?? (await clients.rotateSecret(clientId)).clientSecret ?? '';
  const other = applications.find((application) => application.clientId !== clientId);
  running.push(
    await createDemoApp({
      name,
      port,
      issuer: settings.issuer,
      clientId,
      clientSecret: secret,
      ...(other === undefined ? {} : { other: { name: other.name, url: urlOf(other.port) } }),
    }),
  );
}

const [ledger, calendar] = applications.map(({ port }) => urlOf(port));
say(`
The demo is ready. In a browser:

  1. Open ${ledger} and sign in: login "${LOGIN}", password "${PASSWORD}".
  2. Open ${calendar} in another tab and sign in: it does not ask again.
  3. In one of them press "Sign out everywhere" and confirm.
  4. Look at the other tab: it was told, and has signed you out too.

  Your devices            ${settings.issuer}/account/sessions
  API and Swagger UI      ${settings.issuer}/docs

Stop with Ctrl-C.`);

let stopping = false;
async function stop(): Promise<void> {
  if (stopping) return;
  stopping = true;
  say('Stopping');
  await Promise.all(running.map((application) => application.stop()));
  await stopGracefully(service, settings.shutdownTimeoutMs, () => embedded?.stop());
  process.exit(0);
}
process.on('SIGINT', () => void stop());
process.on('SIGTERM', () => void stop());
const parent = process.ppid;
if (process.env.npm_lifecycle_event !== undefined)
  setInterval(() => process.ppid !== parent && void stop(), 500).unref();
