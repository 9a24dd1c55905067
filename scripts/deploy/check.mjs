// `npm run deploy:check`: everything in deploy/ and each Dockerfile, by the program that will read it where that can be had, and by a
// schema of it where not. Each check also gets a broken copy, which it must refuse. What it needs it installs into a cache, and
// Debian's packages as root. `npm run deploy:emit` makes the plain manifests again.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { copyOfChart, emit, rendered, requirePlainManifests, validate, VALUES, CHART } from './chart.mjs';
import { compose, dockerfile, haproxy, patroni, pgbouncer } from './compose.mjs';
import { dashboard, rules, testRules } from './monitoring.mjs';
import { breakFile, brokenIn } from './broken.mjs';
import { ROOT, tool } from './tools.mjs';

if (process.argv[2] === 'emit') {
  emit();
  process.exit();
}

let passed = 0;
let failed = 0;

/** Runs a check of what is in the repository. */
async function accepts(title, work) {
  try {
    await work();
    passed += 1;
    process.stdout.write(`ok      ${title}\n`);
  } catch (error) {
    failed += 1;
    process.stdout.write(`FAILED  ${title}\n${error.message}\n`);
  }
}

/** Runs the same check on something broken: a check that lets it pass checks nothing. `word` must be in what it says. */
async function refuses(title, word, work) {
  await accepts(`refuses ${title}`, async () => {
    let message;
    try {
      await work();
    } catch (error) {
      message = error.message;
    }
    if (message === undefined) throw new Error('it was accepted');
    if (!message.includes(word)) throw new Error(`it was refused for another reason: ${message}`);
  });
}

const read = (...path) => readFileSync(join(ROOT, ...path), 'utf8');
const work = mkdtempSync(join(tmpdir(), 'exeunt-deploy-'));
const began = Date.now();
try {
  await images();
  await cluster();
  await charts();
  await monitoring();
} finally {
  rmSync(work, { recursive: true, force: true });
}
process.stdout.write(`${Math.round((Date.now() - began) / 1000)} s\n\n${passed} passed, ${failed} failed, 0 skipped\n`);
process.exitCode = failed === 0 ? 0 : 1;

async function images() {
  for (const path of ['Dockerfile', 'deploy/compose/patroni/Dockerfile', 'deploy/compose/pgbouncer/Dockerfile'])
    await accepts(`hadolint: ${path}`, () => dockerfile(read(path)));
  await refuses('a base without a version', 'DL3006', () => dockerfile('FROM debian\nCMD ["true"]\n'));
  await refuses('a root user at the end', 'DL3002', () =>
    dockerfile('FROM debian:trixie-slim\nUSER root\nCMD ["true"]\n'),
  );
}

async function cluster() {
  for (const path of ['docker-compose.yml', 'deploy/compose/compose.yaml'])
    await accepts(`Compose: ${path}`, () => compose(read(path)));
  const file = read('deploy/compose/compose.yaml');
  await refuses('a key that Compose does not know', 'restarts', () =>
    compose(brokenIn(file, 'restart: unless-stopped', 'restarts: unless-stopped')),
  );
  const balancer = read('deploy/compose/haproxy.cfg');
  await accepts('haproxy -c: haproxy.cfg', () => haproxy(balancer, work));
  await refuses('a word that HAProxy does not know', 'shutdown-session', () =>
    haproxy(brokenIn(balancer, 'shutdown-sessions', 'shutdown-session'), work),
  );
  const member = read('deploy/compose/patroni/patroni.yml');
  await accepts('patroni --validate-config: patroni.yml', () => patroni(member, work));
  await refuses('a time that is no number', 'ttl', () => patroni(brokenIn(member, 'ttl: 20', 'ttl: long'), work));
  const pooler = read('deploy/compose/pgbouncer/pgbouncer.ini');
  await accepts('PgBouncer starts with pgbouncer.ini', () => pgbouncer(pooler, work));
  await refuses('a mode that PgBouncer does not know', 'pool_mode', () =>
    pgbouncer(brokenIn(pooler, 'pool_mode = transaction', 'pool_mode = transactions'), work),
  );
}

async function charts() {
  for (const [title, values] of Object.entries(VALUES)) {
    await accepts(`helm lint: ${title}`, () => tool('lint', { chart: CHART, values }));
    await accepts(`schemas: ${title}`, () => validate(rendered(values)));
  }
  await accepts('the plain manifests are what the chart makes', requirePlainManifests);
  const [own, all] = [VALUES['a database of its own'], VALUES.everything];
  await refuses('an issuer without https', 'issuer', () => rendered({ ...own, issuer: 'http://login.example.org' }));
  await refuses('no Secret', 'existingSecret', () => rendered({ ...own, existingSecret: '' }));
  await refuses('a secret among the values', 'EXEUNT_SECRET', () =>
    rendered({ ...own, config: { EXEUNT_SECRET: 'x' } }),
  );
  await refuses('a value that the chart does not know', 'replica', () => rendered({ ...own, replica: 3 }));
  await refuses('no database', 'database.existingSecret', () => rendered({ ...own, database: {} }));
  await refuses('an Ingress without TLS', 'tlsSecretName', () => rendered({ ...own, ingress: { enabled: true } }));
  const chart = copyOfChart(join(work, 'chart'));
  await refuses('a template that does not render', 'deployment.yaml', () => {
    breakFile(join(chart, 'templates', 'deployment.yaml'), '{{- end }}\n  revision', '\n  revision');
    tool('lint', { chart, values: own });
  });
  const broken = (kind, change) => () => {
    const resource = structuredClone(rendered(all).find((document) => document.kind === kind));
    change(resource.spec);
    validate([resource]);
  };
  await refuses(
    'a field that Kubernetes does not know',
    'replica',
    broken('Deployment', (spec) => (spec.replica = 2)),
  );
  await refuses(
    'a value of another type',
    'minReplicas',
    broken('HorizontalPodAutoscaler', (spec) => (spec.minReplicas = 'two')),
  );
  await refuses(
    'a field that CloudNativePG does not know',
    'synchronos',
    broken('Cluster', (spec) => (spec.postgresql.synchronos = {})),
  );
  await refuses(
    'a method that it does not know',
    '"some"',
    broken('Cluster', (spec) => (spec.postgresql.synchronous.method = 'some')),
  );
  await refuses(
    'a mode of the pooler that it does not know',
    '"row"',
    broken('Pooler', (spec) => (spec.pgbouncer.poolMode = 'row')),
  );
  await refuses(
    'a field that the Prometheus operator does not know',
    'intervall',
    broken('ServiceMonitor', (spec) => (spec.endpoints[0].intervall = '30s')),
  );
}

async function monitoring() {
  const [file, tests] = [read('deploy/prometheus/rules.yaml'), read('deploy/prometheus/rules.test.yaml')];
  await accepts('promtool check rules', () => rules(file, work));
  await refuses('an expression that does not parse', 'parse error', () => rules(brokenIn(file, 'max(', 'max(('), work));
  await accepts('promtool test rules', () => testRules(file, tests, work));
  await refuses('a rule that asks for more', 'ExeuntNoticePendingLong', () =>
    testRules(brokenIn(file, '> 900', '> 9000'), tests, work),
  );
  const board = read('deploy/grafana/exeunt.json');
  await accepts('dashboard: its form, and each query by promtool', () => dashboard(board, work));
  await refuses('a query that does not parse', 'parse error', () => dashboard(brokenIn(board, 'max(', 'max(('), work));
  await refuses('two panels of one id', 'id', () => dashboard(brokenIn(board, '"id": 2,', '"id": 1,'), work));
  await refuses('panels that lie upon each other', 'overlap', () =>
    dashboard(brokenIn(board, '"x": 4,', '"x": 3,'), work),
  );
  await refuses('a source of data that is fixed', 'datasource', () =>
    dashboard(brokenIn(board, '${datasource}', 'P1809'), work),
  );
}
