import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { load, loadAll } from 'js-yaml';
import { npmPackages, ROOT, run, tool } from './tools.mjs';

export const CHART = join(ROOT, 'deploy', 'helm', 'exeunt');
const PLAIN = join(ROOT, 'deploy', 'kubernetes');
/** The oldest version that the chart takes, and the newest that the schemas have. */
export const VERSIONS = ['1.30', '1.37'];

const REQUIRED = { issuer: 'https://login.example.org', existingSecret: 'exeunt' };

/** Values for each way to install: together they render every template and every branch that matters. */
export const VALUES = {
  'a database of its own': { ...REQUIRED, database: { existingSecret: 'exeunt-database' } },
  everything: {
    ...REQUIRED,
    workers: 2,
    config: { LOG_LEVEL: 'debug', SESSION_TTL_SECONDS: 3600 },
    extraEnv: [{ name: 'OTEL_EXPORTER_OTLP_ENDPOINT', value: 'http://collector:4318' }],
    extraEnvFrom: [{ configMapRef: { name: 'more' } }],
    database: { readReplicas: true, cloudnativepg: { enabled: true, podMonitor: true, pooler: { enabled: true } } },
    ingress: { enabled: true, className: 'nginx', tlsSecretName: 'exeunt-tls', annotations: { a: 'b' } },
    autoscaling: { enabled: true },
    networkPolicy: { enabled: true, from: [{ namespaceSelector: {} }], egress: [{ ports: [{ port: 443 }] }] },
    metrics: {
      serviceMonitor: { enabled: true, useToken: true },
      prometheusRule: { enabled: true },
      dashboard: { enabled: true },
    },
    nodeSelector: { 'kubernetes.io/arch': 'amd64' },
    tolerations: [{ key: 'a', operator: 'Exists' }],
    priorityClassName: 'important',
  },
  'one Postgres': { ...REQUIRED, database: { readReplicas: true, cloudnativepg: { enabled: true, instances: 1 } } },
};

/** All resources that these values make, as objects. */
export function rendered(values, chart = CHART) {
  return Object.entries(tool('render', { chart, values, name: 'exeunt', namespace: 'exeunt' }))
    .filter(([path]) => path.endsWith('.yaml'))
    .flatMap(([, text]) => loadAll(text))
    .filter((document) => document !== null && document !== undefined);
}

/** @throws if one does not fit the schema of its kind, Kubernetes' own or an operator's */
export function validate(documents) {
  const isOfOperator = ({ apiVersion }) => /cnpg\.io|coreos\.com/.test(apiVersion);
  tool('resources', { documents: documents.filter((document) => !isOfOperator(document)), versions: VERSIONS });
  validateTypes(documents.filter(isOfOperator));
}

const CNPG = './cloudnativepg.js';
const PROMETHEUS = '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1';
const TYPES = {
  Cluster: [CNPG, 'ClusterProps'],
  Pooler: ['./pooler.js', 'Pooler'],
  ServiceMonitor: [PROMETHEUS, 'IServiceMonitor'],
  PrometheusRule: [PROMETHEUS, 'IPrometheusRule'],
};

/**
 * By TypeScript, against the types that were made from the operators' CRDs: a name that they do not know, a value of another
 * type or of no enumeration does not compile. Enumerations and quantities are classes there, and plain values in a manifest.
 */
function validateTypes(documents) {
  const modules = npmPackages();
  const work = mkdtempSync(join(modules, 'types-'));
  try {
    writeFileSync(join(work, 'cloudnativepg.d.ts'), withNamesOfManifests(join(modules, 'node_modules')));
    cpSync(join(ROOT, 'deploy', 'check', 'pooler.d.ts'), join(work, 'pooler.d.ts'));
    writeFileSync(join(work, 'resources.ts'), [PLAIN_TYPE, ...documents.map(typed)].join('\n'));
    const compiler = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
    const options = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'esnext', '--moduleResolution', 'bundler'];
    run(process.execPath, [compiler, ...options, '--target', 'es2022', '--ignoreConfig', 'resources.ts'], {
      cwd: work,
    });
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

const PLAIN_TYPE = `type Plain<T> = T extends string ? \`\${T}\` : T extends { readonly value: string | number } ? string | number
  : T extends readonly (infer U)[] ? Plain<U>[] : T extends object ? { [K in keyof T]: Plain<T[K]> } : T;`;

/** A resource as a constant of its type. */
function typed({ apiVersion, kind, ...rest }, index) {
  if (TYPES[kind] === undefined) throw new Error(`${kind} has no types`);
  const [module, name] = TYPES[kind];
  const value = JSON.stringify(module === CNPG ? rest : { apiVersion, kind, ...rest });
  return `import type { ${name} as T${index} } from '${module}';\nexport const d${index}: Plain<T${index}> = ${value};`;
}

/** The package writes `postInitSql` for `postInitSQL`, and says beside it how it is called in a manifest. */
function withNamesOfManifests(modules) {
  const types = readFileSync(join(modules, '@cdk8s-kit', 'crds', 'dist', 'postgresql.cnpg.io.d.ts'), 'utf8');
  return types.replaceAll(/(@schema \S+#(\w+)\n\s*\*\/\n\s*readonly )\w+/g, '$1$2');
}

/** The plain manifests, as the chart makes them from deploy/kubernetes/values.yaml, without what only Helm reads. */
export function plainManifests() {
  const values = load(readFileSync(join(PLAIN, 'values.yaml'), 'utf8'));
  const made = tool('render', { chart: CHART, values, name: 'exeunt', namespace: 'exeunt' });
  const text = (isWanted) =>
    Object.entries(made)
      .filter(([path, content]) => path.endsWith('.yaml') && content.trim() !== '' && isWanted(path))
      .map(([, content]) => withoutHelm(content).trim())
      .join('\n---\n');
  const isPostgres = (path) => path.endsWith('/postgres.yaml');
  const note =
    '# Made from deploy/helm/exeunt by `npm run deploy:emit`, with values.yaml beside this file. Change it by kustomize, or make it again.\n';
  return {
    'exeunt.yaml': `${note}${text((path) => !isPostgres(path))}\n`,
    'postgres.yaml': `${note}${text(isPostgres)}\n`,
  };
}

function withoutHelm(text) {
  return text
    .replaceAll(/^ *(?:helm\.sh\/chart|app\.kubernetes\.io\/managed-by): .*\n/gm, '')
    .replaceAll(/^ *annotations:\n(?: *#.*\n)? *helm\.sh\/resource-policy: .*\n/gm, '')
    .replaceAll(/^ *namespace: .*\n/gm, '');
}

/** Writes them. */
export function emit() {
  for (const [name, text] of Object.entries(plainManifests())) writeFileSync(join(PLAIN, name), text);
}

/** @throws if what is in the repository is not what the chart makes, or kustomization.yaml names something else */
export function requirePlainManifests() {
  const manifests = plainManifests();
  for (const [name, text] of Object.entries(manifests))
    if (readFileSync(join(PLAIN, name), 'utf8') !== text) throw new Error(`${name}: npm run deploy:emit`);
  const { resources } = load(readFileSync(join(PLAIN, 'kustomization.yaml'), 'utf8'));
  if (resources.join() !== Object.keys(manifests).join()) throw new Error('kustomization.yaml names other files');
}

/** Copies the chart, with what its links lead to, so that one file of it can be broken. */
export function copyOfChart(directory) {
  cpSync(CHART, directory, { recursive: true, dereference: true });
  return directory;
}
