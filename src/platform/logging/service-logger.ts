import { ConsoleLogger, type LogLevel } from '@nestjs/common';
import type { LogLevelName, Settings } from '../config/settings.js';

/** Ours to Nest's, from the least to the most that is written. */
const LEVELS = [
  ['fatal', 'fatal'],
  ['error', 'error'],
  ['warn', 'warn'],
  ['info', 'log'],
  ['debug', 'debug'],
  ['trace', 'verbose'],
] as const satisfies ReadonlyArray<readonly [LogLevelName, LogLevel]>;

/** Parts of the framework that log at `info` how they are put together: two hundred lines without use. */
const FRAMEWORK: ReadonlySet<unknown> = new Set([
  'NestFactory',
  'NestApplication',
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
]);

/**
 * The log of the process, on standard output: in production one JSON object a line, with the names of levels that log
 * collectors know; else lines for a terminal. What the framework says of itself is written from `debug` on.
 */
export class ServiceLogger extends ConsoleLogger {
  private readonly tellsOfFramework: boolean;

  constructor({ production, logLevel }: Pick<Settings, 'production' | 'logLevel'>) {
    const most = LEVELS.findIndex(([name]) => name === logLevel);
    super({ json: production, logLevels: LEVELS.slice(0, most + 1).map(([, level]) => level) });
    this.tellsOfFramework = most >= LEVELS.findIndex(([name]) => name === 'debug');
  }

  override log(message: unknown, ...more: unknown[]): void {
    if (!this.tellsOfFramework && FRAMEWORK.has(more.at(-1))) return;
    super.log(message, ...more);
  }

  /** What others sent may be quoted in a message; it must not end the line, nor speak to the terminal. JSON has it escaped. */
  protected override stringifyMessage(message: unknown, logLevel: LogLevel): string {
    return super.stringifyMessage(typeof message === 'string' ? visible(message) : message, logLevel);
  }

  protected override getJsonLogObject(
    ...parameters: Parameters<ConsoleLogger['getJsonLogObject']>
  ): ReturnType<ConsoleLogger['getJsonLogObject']> {
    const line = super.getJsonLogObject(...parameters);
    const [name] = LEVELS.find(([, level]) => level === line.level) ?? [line.level];
    return { ...line, level: name as LogLevel };
  }
}

/** Control characters, line breaks of every kind and overrides of writing direction, as JSON would write them. */
function visible(text: string): string {
  return text.replaceAll(
    // oxlint-disable-next-line no-control-regex -- control characters are what this makes visible
    /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
