import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');

export interface Source {
  /** From the root of the repository. */
  readonly path: string;
  readonly lines: readonly string[];
}

/** The sources of the service, without their specs. */
export function sources(): readonly Source[] {
  return readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.spec.ts'))
    .toSorted()
    .map((name) => ({ path: `src/${name}`, lines: readFileSync(join(ROOT, 'src', name), 'utf8').split('\n') }));
}
