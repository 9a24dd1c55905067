import type pg from 'pg';
import { tidy } from './sql-text.js';
import { sqlTypeOf, type SqlType, type TypeName } from './sql-types.js';
import type { Statement } from './statement.js';

/** A column as Postgres describes it: of which table it is, where it is one. */
interface DescribedColumn {
  readonly name: string;
  readonly dataTypeID: number;
  readonly tableID: number;
  readonly columnID: number;
}

interface Description {
  readonly parameters: readonly number[];
  readonly columns: readonly DescribedColumn[];
}

interface Connection {
  parse(message: { name: string; text: string }): void;
  describe(message: { type: 'S'; name: string }): void;
  sync(): void;
  on(event: 'parameterDescription', listener: (message: { dataTypeIDs: number[] }) => void): void;
  off(event: 'parameterDescription', listener: (message: { dataTypeIDs: number[] }) => void): void;
}

/** Parse, Describe and Sync of the extended protocol (PostgreSQL 18 §54.2.3): the text is planned and not run. */
class DescribeQuery {
  private parameters: readonly number[] = [];
  private columns: readonly DescribedColumn[] = [];
  private error: Error | undefined;

  constructor(
    private readonly text: string,
    private readonly done: (result: Description | Error) => void,
  ) {}

  submit(connection: Connection): null {
    const noteParameters = ({ dataTypeIDs }: { dataTypeIDs: number[] }): void => void (this.parameters = dataTypeIDs);
    connection.on('parameterDescription', noteParameters);
    this.end = () => connection.off('parameterDescription', noteParameters);
    connection.parse({ name: '', text: this.text });
    connection.describe({ type: 'S', name: '' });
    connection.sync();
    return null;
  }

  handleRowDescription({ fields }: { fields: readonly DescribedColumn[] }): void {
    this.columns = fields;
  }

  handleError(error: Error): void {
    this.end();
    this.done(error);
  }

  handleReadyForQuery(): void {
    this.end();
    this.done(this.error ?? { parameters: this.parameters, columns: this.columns });
  }

  private end: () => void = () => undefined;
}

/** What Postgres says of a statement without running it. @throws DatabaseError if it does not fit the schema */
export function describe(client: pg.Client, text: string): Promise<Description> {
  return new Promise((resolve, reject) => {
    const query = new DescribeQuery(text, (result) => (result instanceof Error ? reject(result) : resolve(result)));
    client.query(query as unknown as pg.Submittable);
  });
}

/** Compares statements with the schema of a database. */
export class StatementCheck {
  private constructor(
    private readonly client: pg.Client,
    private readonly typeNames: ReadonlyMap<number, string>,
    private readonly notNull: ReadonlySet<string>,
  ) {}

  static async against(client: pg.Client): Promise<StatementCheck> {
    const types = await client.query<{ oid: number; name: string }>(
      `SELECT oid::int8::int4 AS oid, format_type(oid, NULL) AS name FROM pg_type`,
    );
    const columns = await client.query<{ place: string }>(
      `SELECT attrelid::int8 || '.' || attnum AS place FROM pg_attribute WHERE attnum > 0 AND attnotnull`,
    );
    return new StatementCheck(
      client,
      new Map(types.rows.map(({ oid, name }) => [oid, name])),
      new Set(columns.rows.map(({ place }) => place)),
    );
  }

  /** What is wrong with what `statement` declares, in words; nothing when it fits. */
  async faultsOf({ text, parameters, row }: Statement<never, unknown>): Promise<string[]> {
    let described: Description;
    try {
      described = await describe(this.client, text);
    } catch (error) {
      return [`Postgres refuses it: ${(error as Error).message}`];
    }
    return [
      ...Object.entries(parameters).flatMap(([name, type], i) =>
        this.typeFault(`:${name}`, type, described.parameters[i]),
      ),
      ...this.faultsOfRow(row, described.columns),
    ];
  }

  private faultsOfRow(row: Readonly<Record<string, TypeName>>, columns: readonly DescribedColumn[]): string[] {
    const faults = Object.keys(row)
      .filter((name) => !columns.some((column) => column.name === name))
      .map((name) => `declares the column ${name}, which it does not return`);
    const seen = new Set<string>();
    for (const { name, dataTypeID, tableID, columnID } of columns) {
      const type = row[name];
      if (seen.has(name)) faults.push(`returns two columns ${name}`);
      seen.add(name);
      if (type === undefined) {
        faults.push(`returns the column ${name} (${this.nameOf(dataTypeID)}), which it does not declare`);
        continue;
      }
      faults.push(...this.typeFault(name, type, dataTypeID));
      const { nullable, ruledOut } = sqlTypeOf(type);
      if (tableID !== 0 && !nullable && !ruledOut && !this.notNull.has(`${tableID}.${columnID}`))
        faults.push(`declares that ${name} is never null, and the table lets it be`);
    }
    return faults;
  }

  private typeFault(what: string, declared: TypeName, oid: number | undefined): string[] {
    const { name } = sqlTypeOf(declared);
    const found = this.nameOf(oid);
    return postgresNamesOf(name).includes(found) ? [] : [`declares ${what} as ${name}, and it is ${found}`];
  }

  private nameOf(oid: number | undefined): string {
    return this.typeNames.get(oid ?? 0) ?? 'nothing';
  }
}

/** The types that one of our types stands for, as Postgres writes them. */
function postgresNamesOf(type: SqlType): readonly string[] {
  if (type.endsWith('[]')) return postgresNamesOf(type.slice(0, -2) as SqlType).map((name) => `${name}[]`);
  return WRITTEN_OTHERWISE[type] ?? [type];
}

const WRITTEN_OTHERWISE: Partial<Record<SqlType, readonly string[]>> = {
  text: ['text', 'character varying'],
  int: ['integer', 'smallint'],
  float8: ['double precision'],
  timestamptz: ['timestamp with time zone'],
};

/** The statement as a file for people: what it is called, where it is declared, what it takes and gives, and the whole text. */
export function snapshotOf(statement: Statement<never, unknown>, file: string): string {
  const { name, parameters, row, source, ends } = statement;
  const list = (title: string, types: Readonly<Record<string, TypeName>>): string[] => {
    const lines = Object.entries(types).map(([member, type]) => {
      const { name: sqlName, nullable } = sqlTypeOf(type);
      return `--   ${member} ${sqlName}${nullable ? ', may be null' : ''}`;
    });
    return lines.length === 0 ? [] : [`-- ${title}:`, ...lines];
  };
  const ending = ends ? ['-- ends something: its commit waits for what LOGOUT_DURABILITY says'] : [];
  const header = [`-- ${name}, declared in ${file}`, ...ending, ...list('parameters', parameters), ...list('row', row)];
  return `${header.join('\n')}\n\n${tidy(source)};\n`;
}
