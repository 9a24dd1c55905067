import { Logger } from '@nestjs/common';
import { LOG_LEVELS, type LogLevelName } from './config/settings.js';
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

  it('is what Nest’s own loggers write to', () => {
    const lines: string[] = [];
    vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => lines.push(String(chunk)) > 0);
    Logger.overrideLogger(new ServiceLogger({ production: true, logLevel: 'info' }));
    new Logger('Ours').log('hello');
    Logger.overrideLogger(false);
    vi.restoreAllMocks();
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'info', context: 'Ours', message: 'hello' });
  });
});
