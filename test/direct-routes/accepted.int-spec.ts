import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ArgumentMetadata, Type } from '@nestjs/common';
import { Transform, Type as TypeOf } from 'class-transformer';
import { getMetadataStorage, IsArray, IsIn, IsOptional, IsString, ValidateNested } from 'class-validator';
import { PARTS } from '../../src/app.module.js';
import { OfferedProofs } from '../../src/domain/clients/proofs/offered-proofs.js';
import { OfferedGrantTypes } from '../../src/domain/tokens/grants/offered-grant-types.js';
import { accepted } from '../../src/web/kit/accepted.js';
import { OAuthParametersPipe } from '../../src/web/kit/parameters.pipe.js';
import { offeredTokenParameter, offeredTokenRequest } from '../../src/web/oauth/dto/token-request.dto.js';
import { Seeded } from '../support/seeded.js';

/** Without the short way. */
class OrdinaryPipe extends OAuthParametersPipe {
  protected override accepted(): undefined {
    return undefined;
  }
}

const SOURCES = join(import.meta.dirname, '../../src');
const MODULES = await Promise.all(
  readdirSync(SOURCES, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.dto.ts'))
    .map(async (name) => (await import(join(SOURCES, name))) as Record<string, unknown>),
);

function hasRules(value: unknown): value is Type<object> {
  return (
    typeof value === 'function' && getMetadataStorage().getTargetValidationMetadatas(value, '', false, false).length > 0
  );
}

function everyForm(): ReadonlyArray<readonly [name: string, form: Type<object>]> {
  const grants = new OfferedGrantTypes(PARTS.grants);
  const proofs = new OfferedProofs(PARTS.proofs);
  return [
    ...MODULES.flatMap((module) =>
      Object.entries(module).flatMap(([name, value]) => (hasRules(value) ? [[name, value] as const] : [])),
    ),
    ['a request of /token', offeredTokenRequest(grants, proofs)],
    ['a request of /revoke or /introspect', offeredTokenParameter(proofs)],
    ...grants.list.map(({ name, parameters }) => [`the parameters of ${name}`, parameters] as const),
  ];
}

const TEXTS = [
  '',
  'x',
  'true',
  'false',
  '1',
  'openid',
  'login',
  'code',
  'https://app.example.test/cb',
  'ä😀',
  '\0',
  ' ',
  'a'.repeat(300),
  'a'.repeat(20_000),
  'S256',
  'query',
  '0',
  '-1',
  'none',
  'yes',
  'a.b.c',
  '00000000-0000-4000-8000-000000000000',
];
const OTHERS: readonly unknown[] = [undefined, null, 7, true, ['a', 'b'], [], { a: 'b' }];
const UNKNOWN = ['unknown', 'constructor', 'toString', '__proto__', 'Client_id', ''];

/** A request for the form: most members right, some not. */
function requestFor(form: Type<object>, seeded: Seeded): Record<string, unknown> {
  const metadatas = getMetadataStorage().getTargetValidationMetadatas(form, '', false, false);
  const names = [...new Set(metadatas.map(({ propertyName }) => propertyName))];
  const odds = seeded.below(3);
  const entries = names.flatMap((name) => {
    if (seeded.below(4) === 0) return [];
    const allowed = metadatas
      .filter(({ propertyName, name: rule }) => propertyName === name && rule === 'isIn')
      .flatMap(({ constraints }) => (constraints as unknown[][])[0] ?? []);
    if (odds === 0 && seeded.below(8) === 0) return [[name, seeded.one(OTHERS)] as const];
    if (allowed.length > 0 && seeded.below(3) > 0) return [[name, seeded.one(allowed)] as const];
    return [[name, odds === 2 ? 'x' : seeded.one(TEXTS)] as const];
  });
  const request = Object.fromEntries(entries);
  for (const name of seeded.many(2, () => seeded.one(UNKNOWN)))
    Object.defineProperty(request, name, { value: 'y', enumerable: true, configurable: true, writable: true });
  return request;
}

async function outcome(pipe: OAuthParametersPipe, value: unknown, metatype: Type<object>): Promise<unknown> {
  const metadata: ArgumentMetadata = { type: 'body', metatype };
  try {
    const made = (await pipe.transform(structuredClone(value), metadata)) as object;
    return { made, of: Object.getPrototypeOf(made) as unknown, keys: Object.keys(made).toSorted() };
  } catch (error) {
    return { refused: (error as Error).message, kind: (error as Error).constructor.name };
  }
}

describe('rules that only say yes', () => {
  const short = new OAuthParametersPipe();
  const ordinary = new OrdinaryPipe();

  it.each(everyForm())('agree with the ordinary way: %s', async (_name, form) => {
    const seeded = new Seeded(10);
    for (let index = 0; index < 150; index += 1) {
      const request = requestFor(form, seeded);
      expect(await outcome(short, request, form), JSON.stringify(request).slice(0, 300)).toEqual(
        await outcome(ordinary, request, form),
      );
    }
  });

  it.each([
    ['a request of /token', { grant_type: 'client_credentials', scope: 'openid' }],
    [
      'a request of /token',
      { grant_type: 'authorization_code', code: 'x', redirect_uri: 'https://app.example.test/cb' },
    ],
    ['a request of /token', { grant_type: 'refresh_token', refresh_token: 'x', client_id: 'y', client_secret: 'z' }],
    ['a request of /revoke or /introspect', { token: 'x', token_type_hint: 'access_token' }],
    ['EndSessionRequestDto', { id_token_hint: 'a.b.c', state: 'x' }],
    ['BackChannelLogoutDto', { logout_token: 'a.b.c' }],
  ])('decide about what is sent most: %s %j', (wanted, request) => {
    const form = everyForm().find(([name]) => name === wanted)?.[1] as Type<object>;
    expect(accepted(form, request)).toMatchObject(request);
  });

  it('say nothing about a class that class-transformer changes, or whose rules are of other kinds', () => {
    class Part {
      @IsString() readonly name: string;
    }
    class Nested {
      @ValidateNested() readonly part: Part;
    }
    class Typed {
      @TypeOf(() => Number) @IsString() readonly name: string;
    }
    class Transformed {
      @Transform(({ value }) => `${String(value)}!`) @IsString() readonly name: string;
    }
    class Each {
      @IsString({ each: true }) readonly name: string;
    }
    class Grouped {
      @IsString({ groups: ['a'] }) readonly name: string;
    }
    class Conditional {
      @IsString({ validateIf: () => true }) readonly name: string;
    }
    class Undecorated {
      @IsString() readonly name: string;
      readonly other = 'x';
    }
    class Nothing {}
    for (const form of [Nested, Typed, Transformed, Each, Grouped, Conditional, Undecorated, Nothing])
      expect([form.name, accepted(form, { name: 'x' })]).toEqual([form.name, undefined]);
  });

  it('say yes to texts alone', () => {
    class Form {
      @IsOptional() @IsString() readonly name?: string;
      @IsOptional() @IsIn(['a', 'b']) readonly choice?: string;
      @IsOptional() @IsArray() readonly list?: unknown;
    }
    expect(accepted(Form, { name: 'x', choice: 'a', unknown: 'y', list: '' })).toEqual(
      Object.assign(new Form(), { name: 'x', choice: 'a' }),
    );
    expect(accepted(Form, { choice: 'c' })).toBeUndefined();
    expect(accepted(Form, { list: ['x'] })).toBeUndefined();
    expect(accepted(Form, { unknown: ['x'] })).toBeUndefined();
  });
});
