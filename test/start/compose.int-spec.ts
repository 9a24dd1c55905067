import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';

interface Compose {
  readonly services: Readonly<
    Record<string, { readonly environment?: Readonly<Record<string, string>>; readonly ports?: readonly string[] }>
  >;
}

describe('docker-compose.yml', () => {
  const text = readFileSync('docker-compose.yml', 'utf8');
  const { services } = load(text) as Compose;

  it('holds no secret: each must be set, or nothing starts', () => {
    const secrets = Object.values(services).flatMap(({ environment = {} }) =>
      Object.entries(environment).filter(([name]) => /SECRET|PASSWORD/.test(name)),
    );
    expect(secrets.map(([name]) => name).sort()).toEqual([
      'EXEUNT_ADMIN_CLIENT_SECRET',
      'EXEUNT_SECRET',
      'POSTGRES_PASSWORD',
    ]);
    for (const [name, value] of secrets) expect(value).toMatch(new RegExp(`^\\$\\{${name}:\\?[^}]+\\}$`));
    // No default stands in a URL either.
    expect(text).not.toMatch(/PASSWORD:-|SECRET:-|change-me/);
  });

  it('is reached from this computer alone unless somebody says otherwise', () => {
    const ports = Object.values(services).flatMap((service) => service.ports ?? []);
    expect(ports).toEqual(['${EXEUNT_BIND:-127.0.0.1}:3000:3000']);
  });
});
