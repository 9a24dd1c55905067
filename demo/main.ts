import { AccountsService } from '../src/domain/accounts/accounts.service.js';
import { FirstAdminClient } from '../src/domain/clients/first-admin-client.js';
import { createApp } from '../src/app.factory.js';
import { ClientRegistrationService } from '../src/domain/clients/client-registration.service.js';
import { loadSettings } from '../src/platform/config/settings.js';
import { awaitDatabase } from '../src/platform/database/await-database.js';
import { startEmbeddedPostgres } from '../src/platform/database/embedded/embedded-postgres.js';
import { migrate } from '../src/platform/database/migrate.js';
import { ServiceLogger } from '../src/platform/logging/service-logger.js';
import { stopGracefully } from '../src/cli/shutdown.js';
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
if (embedded === undefined) await awaitDatabase(databaseUrl, settings.databaseWaitMs, say);
await migrate(databaseUrl);
const service = await createApp(
  { ...settings, databaseUrl },
  { logger: new ServiceLogger({ production: false, logLevel: 'warn' }) },
);
const clients = service.get(ClientRegistrationService);
const admin = await service.get(FirstAdminClient).ensure();
// Of an earlier run only the hash is left, so each run has a secret of its own, unless the environment gives one.
const adminSecret =
  settings.adminClientSecret ??
  admin.generatedSecret ??
  (await clients.rotateSecret(admin.clientId)).clientSecret ??
  '';

const accounts = service.get(AccountsService);
const existing = (await accounts.list({ limit: 100, search: LOGIN })).items.find(({ login }) => login === LOGIN);
const { id } =
  existing ??
  (await accounts.create({
    login: LOGIN,
    password: PASSWORD,
    claims: { name: 'Demo Person', email: 'demo@example.com' },
  }));
// Also in a database that an earlier demo left: so the person can open the console.
await accounts.setRoles(id, ['operator']);

await service.listen(settings.port, settings.host);

const running: DemoApp[] = [];
for (const { clientId, name, port } of applications) {
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
  2. Open ${calendar} in another tab and sign in: no password this time, only, once, whether it may know you.
  3. In one of them press "Sign out everywhere" and confirm.
  4. Look at the other tab: it was told, and has signed you out too.

  What came of it         ${settings.issuer}/console/logouts (sign in as "${LOGIN}" once more)
  Your devices            ${settings.issuer}/account/sessions
  API and Swagger UI      ${settings.issuer}/docs
    press Authorize       client id "${admin.clientId}", secret "${adminSecret}"

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
