import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Where the programs of a cluster are, by their names in Debian. */
export interface Tools {
  readonly etcd: string;
  readonly patroni: string;
  readonly haproxy: string;
  /** The directory of `initdb`, `postgres` and `pg_basebackup`. */
  readonly postgres: string;
}

const DEBIAN_POSTGRES = '/usr/lib/postgresql';
const PACKAGES = {
  etcd: 'etcd-server',
  patroni: 'patroni',
  haproxy: 'haproxy',
  postgres: 'postgresql',
};

/** Debian's Patroni looks for `python3`'s own modules, so the programs are taken from the system's directories first. */
const PLACES = ['/usr/bin', '/usr/sbin', ...(process.env.PATH ?? '').split(delimiter)];

const found: { readonly [Name in keyof Tools]: string | undefined } = {
  etcd: program('etcd'),
  patroni: program('patroni'),
  haproxy: program('haproxy'),
  postgres: newestPostgres(),
};

/** The packages that are not installed: without them the tests that need a cluster are skipped, by these names. */
export const missing: readonly string[] = (Object.keys(PACKAGES) as (keyof Tools)[])
  .filter((name) => found[name] === undefined)
  .map((name) => PACKAGES[name]);

/** @throws if one is {@link missing} */
export function tools(): Tools {
  if (missing.length > 0) throw new Error(`not installed: ${missing.join(', ')}`);
  return found as Tools;
}

function program(name: string): string | undefined {
  return PLACES.map((place) => join(place, name)).find((path) => existsSync(path));
}

function newestPostgres(): string | undefined {
  if (!existsSync(DEBIAN_POSTGRES)) return undefined;
  const versions = readdirSync(DEBIAN_POSTGRES).toSorted((a, b) => Number(b) - Number(a));
  return versions
    .map((version) => join(DEBIAN_POSTGRES, version, 'bin'))
    .find((bin) => existsSync(join(bin, 'initdb')));
}
