import { printParseErrorCode, visit, type ParseErrorCode } from 'jsonc-parser';
import { contentParseError, requestBodyRequired, shown } from './elasticsearch-error.js';
import { isStorableText } from '../../../platform/oidc/text.js';
import { suggestion } from './suggestion.js';

export type FieldType = 'string' | 'string_or_null' | 'boolean';
export type FieldValue = string | boolean | null;

/** What a request body may have in it, and what the original's messages call its parser. */
export interface ObjectSchema {
  readonly parserName: string;
  readonly fields: Readonly<Record<string, FieldType>>;
}

const STRICT = { disallowComments: true, allowTrailingComma: false, allowEmptyContent: false };

/**
 * Reads a request body that is one flat JSON object. Messages point at the place, as `[line:column]`, both from 1.
 *
 * The first problem ends the reading, so nesting of any depth costs nothing.
 *
 * @throws ElasticsearchError when it is empty, not JSON, not an object, or has a field that is unknown, twice there, or
 * of another type
 */
export function parseObject(text: string, schema: ObjectSchema): Readonly<Record<string, FieldValue>> {
  if (text.trim() === '') throw requestBodyRequired();
  const reader = new ObjectReader(schema);
  visit(
    text,
    {
      onObjectBegin: (_offset, _length, line, column) => reader.container('START_OBJECT', line, column),
      onArrayBegin: (_offset, _length, line, column) => reader.container('START_ARRAY', line, column),
      onObjectProperty: (name, _offset, _length, line, column) => reader.name(name, line, column),
      onLiteralValue: (value: FieldValue | number, _offset, _length, line, column) => reader.value(value, line, column),
      onError: (code, _offset, _length, line, column) => reader.malformed(code, line, column),
    },
    STRICT,
  );
  return Object.fromEntries(reader.members);
}

/** What it gets while the text is read. */
class ObjectReader {
  readonly members = new Map<string, FieldValue>();
  private field: string | undefined;
  private inObject = false;

  constructor(private readonly schema: ObjectSchema) {}

  container(token: 'START_OBJECT' | 'START_ARRAY', line: number, column: number): void {
    if (this.inObject) throw this.wrongType(token, line, column);
    if (token === 'START_ARRAY') throw this.notAnObject(token, line, column);
    this.inObject = true;
  }

  name(name: string, line: number, column: number): void {
    const { parserName, fields } = this.schema;
    if (!Object.hasOwn(fields, name)) {
      const hint = suggestion(name, Object.keys(fields));
      throw this.problem(
        line,
        column,
        `[${parserName}] unknown field [${shown(name)}]${hint === undefined ? '' : ` ${hint}`}`,
      );
    }
    if (this.members.has(name)) throw this.problem(line, column, `Duplicate field '${name}'`);
    this.field = name;
  }

  value(value: FieldValue | number, line: number, column: number): void {
    const token = tokenOf(value);
    if (!this.inObject || this.field === undefined) throw this.notAnObject(token, line, column);
    const type = this.schema.fields[this.field];
    if (!isOfType(value, type)) throw this.wrongType(token, line, column);
    // Postgres holds neither NUL nor half a character, so what has one cannot be anything that we issued.
    if (typeof value === 'string' && !isStorableText(value)) {
      const what = value.includes('\0') ? 'a NUL character' : 'half of a surrogate pair';
      throw this.problem(line, column, `[${this.schema.parserName}] ${this.field} must not contain ${what}`);
    }
    this.members.set(this.field, value);
  }

  malformed(code: ParseErrorCode, line: number, column: number): void {
    const words = printParseErrorCode(code)
      .replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ')
      .toLowerCase();
    throw this.problem(line, column, `malformed JSON: ${words}`);
  }

  private wrongType(token: string, line: number, column: number): Error {
    return this.problem(
      line,
      column,
      `[${this.schema.parserName}] ${this.field ?? ''} doesn't support values of type: ${token}`,
    );
  }

  private notAnObject(token: string, line: number, column: number): Error {
    return this.problem(line, column, `[${this.schema.parserName}] Expected START_OBJECT but was: ${token}`);
  }

  /** jsonc-parser counts lines and columns from 0. */
  private problem(line: number, column: number, words: string): Error {
    return contentParseError(`[${line + 1}:${column + 1}] ${words}`);
  }
}

function isOfType(value: FieldValue | number, type: FieldType | undefined): value is FieldValue {
  switch (type) {
    case 'string':
      return typeof value === 'string';
    case 'string_or_null':
      return typeof value === 'string' || value === null;
    case 'boolean':
      return typeof value === 'boolean';
    default:
      return false;
  }
}

function tokenOf(value: FieldValue | number): string {
  if (value === null) return 'VALUE_NULL';
  return `VALUE_${(typeof value).toUpperCase()}`;
}
