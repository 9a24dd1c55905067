// Writes what the service is made of as CycloneDX JSON, without the tools of development: `npm run sbom [-- file]`.
// From the lock file alone. Not by `npm sbom --omit dev`, which also leaves out what a tool happens to need as well.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const DEVELOPMENT = 'cdx:npm:package:development';

const root = fileURLToPath(new URL('..', import.meta.url));
const [file = 'sbom.json'] = process.argv.slice(2);
const lock = JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8'));

const args = ['sbom', '--package-lock-only', '--sbom-format', 'cyclonedx', '--sbom-type', 'application'];
const text = execFileSync('npm', args, {
  cwd: root,
  encoding: 'utf8',
  maxBuffer: 64 * 1024 * 1024,
  shell: process.platform === 'win32',
});
const sbom = JSON.parse(text);
// The same version may stand in several places of the tree, for the service in one and for a tool in another.
const shipped = new Set(
  Object.entries(lock.packages)
    .filter(([path, { dev }]) => path !== '' && dev !== true)
    .map(([path, { name, version }]) => `${name ?? path.split('node_modules/').at(-1)}@${version}`),
);
const kept = sbom.components
  .filter(({ name, version }) => shipped.has(`${name}@${version}`))
  .map(({ properties = [], ...rest }) => ({
    ...rest,
    properties: properties.filter(({ name }) => name !== DEVELOPMENT),
  }));
const refs = new Set([sbom.metadata.component['bom-ref'], ...kept.map((component) => component['bom-ref'])]);
const dependencies = sbom.dependencies
  .filter(({ ref }) => refs.has(ref))
  .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((target) => refs.has(target)) }));
// npm calls it by the name of the folder.
const component = { ...sbom.metadata.component, name: lock.name };

const metadata = { ...sbom.metadata, component };
writeFileSync(file, `${JSON.stringify({ ...sbom, metadata, components: kept, dependencies }, null, 2)}\n`);
process.stdout.write(`${file}: ${kept.length} components\n`);
