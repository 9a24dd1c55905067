import { Logger } from '@nestjs/common';
import { StorageLog, warnOf } from './storage-log.js';

const away = (code = 'ECONNREFUSED'): Error => Object.assign(new Error('of a person called mia'), { code });

describe('the log while storage is away', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  function aLog() {
    const lines: unknown[][] = [];
    return { lines, log: new StorageLog({ error: (...words: unknown[]) => void lines.push(words) }) };
  }

  it('has one line at once, and one a second that counts the others; no stack, and no word of a driver', () => {
    const { lines, log } = aLog();
    for (let i = 1; i <= 100; i += 1) log.note(`request ${i} failed`, away());
    expect(lines).toEqual([['request 1 failed: ECONNREFUSED']]);
    vi.advanceTimersByTime(1000);
    expect(lines[1]).toEqual(['request 100 failed: ECONNREFUSED, and 98 more failures of storage in the last second']);
    vi.advanceTimersByTime(60_000);
    expect(lines).toHaveLength(2);
  });

  it('has at most one line a second for as long as it lasts, and a line at once the next time', () => {
    const { lines, log } = aLog();
    for (let ms = 0; ms < 10_000; ms += 10) {
      log.note('a request failed', away());
      vi.advanceTimersByTime(10);
    }
    expect(lines.length).toBeLessThanOrEqual(11);
    vi.advanceTimersByTime(5000);
    const before = lines.length;
    log.note('a request failed', away('57P03'));
    expect(lines.slice(before)).toEqual([['a request failed: 57P03']]);
  });

  it('names every request of which somebody was shown the reference', () => {
    const { lines, log } = aLog();
    for (const id of ['a1', 'b2', 'c3', 'd4']) log.note(`request ${id} failed`, away(), id);
    vi.advanceTimersByTime(1000);
    for (const id of ['a1', 'b2', 'c3', 'd4']) expect(lines.flat().join('\n')).toMatch(new RegExp(`\\b${id}\\b`));
  });

  it('leaves what is no outage to who met it', () => {
    const logger = new Logger('test');
    const warn = vi.spyOn(logger, 'warn').mockReturnValue();
    warnOf(logger, 'retention failed', away('42P01'));
    expect(warn.mock.calls).toEqual([['retention failed: 42P01']]);
  });
});
