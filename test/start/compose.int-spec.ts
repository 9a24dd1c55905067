import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';

interface Compose {
  readonly services: Readonly<Record<string, { readonly ports?: readonly string[] }>>;
}

const SECRETS = {
  'docker-compose.yml': ['EXEUNT_ADMIN_CLIENT_SECRET', 'EXEUNT_SECRET', 'POSTGRES_PASSWORD'],
  'deploy/compose/compose.yaml': [
    'EXEUNT_ADMIN_CLIENT_SECRET',
    'EXEUNT_DATABASE_PASSWORD',
    'EXEUNT_SECRET',
    'POSTGRES_REPLICATION_PASSWORD',
    'POSTGRES_SUPERUSER_PASSWORD',
  ],
};

describe.each(Object.entries(SECRETS))('%s', (path, names) => {
  const text = readFileSync(path, 'utf8');
  const { services } = load(text) as Compose;

  it('holds no secret: each must be set, or nothing starts', () => {
    const secrets = [...text.matchAll(/^ +\w*(?:SECRET|PASSWORD)\w*: (.+)$/gm)].map(([, value = '']) => value);
    const needed = new Set(secrets.map((value) => /^\$\{(\w+):\?[^}]+\}$/.exec(value)?.[1] ?? value));
    expect([...needed].toSorted()).toEqual(names);
    // No default stands in a URL either.
    expect(text).not.toMatch(/PASSWORD:-|SECRET:-|change-me/);
  });

  it('is reached from this computer alone unless somebody says otherwise', () => {
    const ports = Object.values(services).flatMap((service) => service.ports ?? []);
    expect(ports).toHaveLength(1);
    expect(ports[0]).toMatch(/^\$\{EXEUNT_BIND:-127\.0\.0\.1\}:(\d+):\1$/);
  });
});
