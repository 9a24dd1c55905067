import { Logger } from '@nestjs/common';
import { LOG_LEVELS, type LogLevelName } from '../config/settings.js';
import { withinScope } from '../requests/request-scope.js';
import { withLogFields } from './log-fields.js';
import { ServiceLogger } from './service-logger.js';

/** What the log holds after each level was used once, and the framework spoke. */
function written(logLevel: LogLevelName, production = true): string[] {
  const lines: string[] = [];
  const keep = (chunk: string | Uint8Array): boolean => lines.push(String(chunk)) > 0;
  vi.spyOn(process.stdout, 'write').mockImplementation(keep);
  vi.spyOn(process.stderr, 'write').mockImplementation(keep);
  const logger = new ServiceLogger({ production, logLevel });
  for (const level of ['fatal', 'error', 'warn', 'log', 'debug', 'verbose'] as const)
    logger[level](`by ${level}`, 'Ours');
  logger.log('Mapped {/token, POST} route', 'RouterExplorer');
  vi.restoreAllMocks();
  return lines;
}

describe('the log of the process', () => {
  it.each(LOG_LEVELS)('LOG_LEVEL=%s says what the levels before it say, too', (level) => {
    const levels = written(level).map((line) => (JSON.parse(line) as { level: string }).level);
    const upTo = LOG_LEVELS.slice(0, LOG_LEVELS.indexOf(level) + 1);
    const routes = ['debug', 'trace'].includes(level) ? ['info'] : [];
    expect(levels).toEqual([...upTo, ...routes]);
  });

  it('has no route list at the default level, in production and at a terminal', () => {
    for (const production of [true, false]) expect(written('info', production).join('')).not.toContain('Mapped');
  });

  it.each([
    ['a line of somebody else’s making', 'error \n[Nest] 1 - ERROR [Keys] stolen'],
    ['a return', 'error \rfine'],
    ['an escape for the terminal', 'error \u001b[31mred\u001b[2J'],
    ['a NUL, a bell and a C1 control', 'error \0\u0007\u009b31m'],
    ['other line breaks', 'error \u2028x\u2029\u0085'],
    ['a change of direction', 'error \u202egnirts'],
  ])('at a terminal it is one line, whatever is quoted: %s', (_, text) => {
    const lines: string[] = [];
    const keep = (chunk: string | Uint8Array): boolean => lines.push(String(chunk)) > 0;
    vi.spyOn(process.stdout, 'write').mockImplementation(keep);
    vi.spyOn(process.stderr, 'write').mockImplementation(keep);
    const logger = new ServiceLogger({ production: false, logLevel: 'info' });
    logger.warn(text, 'Ours');
    logger.error(text, undefined, 'Ours');
    vi.restoreAllMocks();
    expect(lines).toHaveLength(2);
    // Colours are the logger's own.
    // oxlint-disable no-control-regex -- these are what must not be there
    for (const line of lines.map((coloured) => coloured.replaceAll(/\u001b\[\d+(;\d+)*m/g, ''))) {
      expect(line.trimEnd()).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e]/);
      expect(line).toContain(`error \\u${(text.codePointAt(6) ?? 0).toString(16).padStart(4, '0')}`);
    }
    // oxlint-enable no-control-regex
  });

  it('has the names that log collectors know, and the fields of what is written now', () => {
    const lines: string[] = [];
    vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => lines.push(String(chunk)) > 0);
    const logger = new ServiceLogger({ production: true, logLevel: 'info' });
    withLogFields({ request_id: 'of-a-header' }, () => logger.error('it\nfailed', 'Error\n    at here:1:1', 'Ours'));
    const scope = { id: 'of-a-scope', trace: { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), sampled: true } };
    withinScope(scope, () => logger.warn('slow', 'Ours'));
    logger.log('later', 'Ours');
    vi.restoreAllMocks();
    const [failed, slow, later] = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(failed).toEqual({
      level: 'error',
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
      pid: process.pid,
      context: 'Ours',
      msg: 'it\nfailed',
      stack: 'Error\n    at here:1:1',
      request_id: 'of-a-header',
    });
    expect(slow).toMatchObject({ request_id: 'of-a-scope', trace_id: 'a'.repeat(32), span_id: 'b'.repeat(16) });
    expect(later).not.toHaveProperty('request_id');
    for (const line of lines) expect(line.trimEnd().split('\n')).toHaveLength(1);
  });

  it('is what Nest’s own loggers write to', () => {
    const lines: string[] = [];
    vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => lines.push(String(chunk)) > 0);
    Logger.overrideLogger(new ServiceLogger({ production: true, logLevel: 'info' }));
    new Logger('Ours').log('hello');
    Logger.overrideLogger(false);
    vi.restoreAllMocks();
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'info', context: 'Ours', msg: 'hello' });
  });
});
