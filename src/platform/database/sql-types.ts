/** What a value of each SQL type is in TypeScript, as `pg` gives it. */
interface Scalars {
  uuid: string;
  text: string;
  int: number;
  /** Read as text, since it may be larger than a number holds. */
  bigint: string;
  float8: number;
  boolean: boolean;
  timestamptz: Date;
  bytea: Buffer;
  json: unknown;
  jsonb: unknown;
  /** What a function without a result gives, such as `pg_notify`. */
  void: unknown;
}

/** What a value may be handed in as, where that is more than what is read. */
interface Accepted extends Omit<Scalars, 'bigint'> {
  bigint: string | number | bigint;
}

type Scalar = keyof Scalars;
export type SqlType = Scalar | `${Scalar}[]`;

/** `?`: may be null. `!`: the column of the table may be null, and the statement's conditions rule it out. */
type Written = SqlType | `${SqlType}?` | `${SqlType}!`;

declare const meaning: unique symbol;

/** An SQL type whose values are known better than by the type: the shape of a document, the words of an enumeration. */
export interface Typed<T> {
  readonly type: Written;
  readonly [meaning]?: T;
}

/** `typed<TerminationCause>('text')`, `typed<LogoutInitiator>('jsonb')`. With `?` the value may be null, too. */
export function typed<T>(type: SqlType | `${SqlType}!`): Typed<T>;
export function typed<T>(type: `${SqlType}?`): Typed<T | null>;
export function typed<T>(type: Written): Typed<T> {
  return { type };
}

/** The type of a parameter or a column. */
export type TypeName = Written | Typed<unknown>;
export type Parameters = Readonly<Record<string, SqlType | `${SqlType}?` | Typed<unknown>>>;
export type Columns = Readonly<Record<string, TypeName>>;

type Read<T extends TypeName> =
  T extends Typed<infer V>
    ? V
    : T extends `${infer N extends SqlType}?`
      ? Read<N> | null
      : T extends `${infer N extends SqlType}!`
        ? Read<N>
        : T extends `${infer S extends Scalar}[]`
          ? Scalars[S][]
          : T extends Scalar
            ? Scalars[T]
            : never;

type Given<T extends TypeName> =
  T extends Typed<infer V>
    ? null extends V
      ? V | undefined
      : V
    : T extends `${infer N extends SqlType}?`
      ? Given<N> | null | undefined
      : T extends `${infer S extends Scalar}[]`
        ? readonly (Accepted[S] | null)[]
        : T extends Scalar
          ? Accepted[T]
          : never;

/** The values that a statement takes. Where null is allowed, `undefined` stands for it; nothing may be left out. */
export type ValuesOf<P extends Parameters> = { readonly [N in keyof P]: Given<P[N]> };

/** A row as a statement returns it. */
export type ColumnsRow<C extends Columns> = { -readonly [N in keyof C]: Read<C[N]> };

/** The SQL name of a type, whether null is allowed, and whether that is the author's word against the table's. */
export function sqlTypeOf(type: TypeName): {
  readonly name: SqlType;
  readonly nullable: boolean;
  readonly ruledOut: boolean;
} {
  const written = typeof type === 'string' ? type : type.type;
  return {
    name: written.replace(/[?!]$/, '') as SqlType,
    nullable: written.endsWith('?'),
    ruledOut: written.endsWith('!'),
  };
}
