import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';

/** Vendors' own surfaces, spelled as the vendors spell them. */
const DIALECTS = /^\/(_security|csp)\//;

interface Document {
  readonly paths: Readonly<Record<string, unknown>>;
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> };
}

const document = load(readFileSync('openapi.yaml', 'utf8')) as Document;

/** Names of members in schemas, and in examples, of everything below `node`; references are followed. */
function memberNames(node: unknown, inExample = false, seen = new Set<string>()): string[] {
  if (typeof node !== 'object' || node === null) return [];
  if (Array.isArray(node)) return node.flatMap((item) => memberNames(item, inExample, seen));
  const { $ref: reference, properties } = node as { $ref?: string; properties?: Record<string, unknown> };
  const name = reference?.split('/').at(-1);
  if (name !== undefined && !seen.has(name)) {
    seen.add(name);
    return memberNames(document.components.schemas[name], inExample, seen);
  }
  return [
    ...(inExample ? Object.keys(node) : Object.keys(properties ?? {})),
    ...Object.entries(node).flatMap(([key, value]) =>
      memberNames(value, inExample || key === 'example' || key === 'value', seen),
    ),
  ];
}
const camelCase = (names: readonly string[]): string[] => names.filter((name) => /[a-z0-9][A-Z]/.test(name));

describe('members of our own APIs', () => {
  const own = Object.entries(document.paths).filter(([path]) => !DIALECTS.test(path));

  it('are many, and found in schemas that are referred to', () => {
    expect(own.length).toBeGreaterThan(40);
    const names = own.flatMap(([, operations]) => memberNames(operations));
    expect(names).toEqual(
      expect.arrayContaining(['delivery_list', 'initiator', 'order_id', 'client_id', 'access_token']),
    );
  });

  it.each(own)('%s: snake_case throughout, examples too', (_path, operations) => {
    expect(camelCase(memberNames(operations))).toEqual([]);
  });

  it('would be found: the dialects have them', () => {
    const others = Object.entries(document.paths).filter(([path]) => DIALECTS.test(path));
    expect(camelCase(others.flatMap(([, operations]) => memberNames(operations)))).not.toEqual([]);
  });
});
