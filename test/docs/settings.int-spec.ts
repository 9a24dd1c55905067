import { readFileSync } from 'node:fs';
import { loadSettings } from '../../src/platform/config/settings.js';

/** The names of all variables that are read at start. */
function variablesRead(): string[] {
  const names = new Set<string>();
  const environment = new Proxy<Record<string, string | undefined>>(
    {},
    {
      get: (_target, name) => {
        names.add(String(name));
        return undefined;
      },
    },
  );
  loadSettings(environment);
  names.delete('NODE_ENV');
  return [...names].toSorted();
}

/** `.env.example` as an environment, with each line that is a comment in it switched on. */
function exampleSettings(): Record<string, string> {
  const lines = readFileSync('.env.example', 'utf8').matchAll(/^#([A-Z][A-Z_]+)=(.*)$/gm);
  return Object.fromEntries([...lines].map(([, name = '', value = '']) => [name, value]));
}

/** The variables that the table of the README has. */
function documentedSettings(): string[] {
  const [, table = ''] = readFileSync('README.md', 'utf8').split('\n| Variable | Default | Meaning |\n');
  const rows = (table.split('\n\n')[0] ?? '').split('\n').slice(1);
  return rows.flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`([A-Z_]+)`/g)].map(([, name = '']) => name));
}

describe('settings', () => {
  it('are all in the table of the README, and nothing else is', () => {
    expect(variablesRead().length).toBeGreaterThan(40);
    expect(documentedSettings().toSorted()).toEqual(variablesRead());
  });

  it('are all in .env.example, and nothing else is', () => {
    expect(Object.keys(exampleSettings()).toSorted()).toEqual(variablesRead());
  });

  it('have their defaults in .env.example', () => {
    const { DATABASE_URL: _example, ...rest } = exampleSettings();
    expect(loadSettings(rest)).toEqual({ ...loadSettings({}), adminClientId: 'exeunt-admin' });
  });
});
