import { ConsoleLogger, type LogLevel } from '@nestjs/common';
import { pino, type Logger } from 'pino';
import type { LogLevelName, Settings } from '../config/settings.js';
import { fieldsNow } from './log-fields.js';

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
 * The log of the process. In production one JSON object a line, written by pino on standard output with the names that log
 * collectors know: `level`, `timestamp`, `context`, `msg`, and while a request is handled `request_id` (`LogFields`). Else
 * lines for a terminal. What the framework says of itself is written from `debug` on.
 */
export class ServiceLogger extends ConsoleLogger {
  private readonly tellsOfFramework: boolean;
  private readonly lines: Logger = jsonLines();

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

  /** Called by the framework's logger for each message, in production. */
  protected override printAsJson(message: unknown, written: Parameters<ConsoleLogger['printAsJson']>[1]): void {
    const { level, pid: _pid, timestamp: _now, message: _message, ...more } = this.getJsonLogObject(message, written);
    const [name] = LEVELS.find(([, nests]) => nests === level) ?? (['info'] as const);
    const text = typeof message === 'string' ? message : JSON.stringify(message);
    this.lines[name]({ ...fieldsNow(), ...more }, text);
  }
}

/**
 * Each line is written before the call returns, to the stream that the process has, so that the last words of a process
 * that dies are not lost; without a worker and without a buffer.
 */
function jsonLines(): Logger {
  return pino(
    {
      // What is written at all was decided before.
      level: 'trace',
      messageKey: 'msg',
      base: { pid: process.pid },
      timestamp: () => pino.stdTimeFunctions.isoTime().replace('"time"', '"timestamp"'),
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line: string) => void process.stdout.write(line) },
  );
}

/** Control characters, line breaks of every kind and overrides of writing direction, as JSON would write them. */
function visible(text: string): string {
  return text.replaceAll(
    // oxlint-disable-next-line no-control-regex -- control characters are what this makes visible
    /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
