import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** A text file of the repository, by its path from the root. */
export interface Text {
  readonly path: string;
  readonly content: string;
}

const FOLDERS = ['src', 'test', 'docs', 'migrations', 'demo', 'scripts', '.github'];
/** These specs hold texts that break the rules. */
const OF_THE_RULES = /^test\/docs\//;
const TEXTS = /\.(md|ts|mjs|cjs|ya?ml)$/;

/** Every text that people read: sources, tests, documents. Without what is generated. */
export function textsOfTheRepository(): Text[] {
  const paths = [
    ...readdirSync('.').filter((name) => TEXTS.test(name)),
    ...FOLDERS.filter((folder) => existsSync(folder)).flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((path) => join(folder, path)),
    ),
  ];
  return paths
    .filter((path) => TEXTS.test(path) && path !== 'openapi.yaml' && path !== 'package-lock.json')
    .filter((path) => !OF_THE_RULES.test(path))
    .map((path) => ({ path, content: readFileSync(path, 'utf8') }));
}

/** The line in which a position of a text stands, counted from one. */
export function lineOf(content: string, index: number): number {
  return content.slice(0, index).split('\n').length;
}
