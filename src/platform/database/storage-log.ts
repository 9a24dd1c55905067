import { Logger } from '@nestjs/common';
import { codeOf, isStorageAway } from './storage-errors.js';

const INTERVAL_MS = 1000;

/**
 * What a log says while storage is away: everything fails then, and all by the same cause. The first line at once, and one
 * a second that counts the others. Without a stack: where it was noticed tells nothing.
 */
export class StorageLog {
  private timer: NodeJS.Timeout | undefined;
  private more = 0;
  private last = '';
  private references: string[] = [];

  constructor(private readonly logger: Pick<Logger, 'error'> = new Logger('Storage')) {}

  /**
   * @param what what came of it, in our own words
   * @param reference the id that a person was shown and may quote: it is always in a line, whatever else is left out
   */
  note(what: string, error: unknown, reference?: string): void {
    const line = `${what}: ${codeOf(error)}`;
    if (this.timer !== undefined) {
      this.more += 1;
      this.last = line;
      if (reference !== undefined) this.references.push(reference);
      return;
    }
    this.logger.error(line);
    this.wait();
  }

  private wait(): void {
    this.timer = setTimeout(() => {
      this.timer = undefined;
      if (this.more === 0) return;
      const others = this.more === 1 ? '' : `, and ${this.more - 1} more failures of storage in the last second`;
      const known = this.references.length < 2 ? '' : `; requests ${this.references.join(' ')}`;
      this.logger.error(`${this.last}${others}${known}`);
      this.more = 0;
      this.references = [];
      this.wait();
    }, INTERVAL_MS).unref();
  }
}

const log = new StorageLog();

/**
 * One log line, or a part of one: all failures because storage is away share one line a second, wherever they occurred.
 */
export function warnOf(logger: Logger, what: string, error: unknown, reference?: string): void {
  if (isStorageAway(error)) log.note(what, error, reference);
  else logger.warn(`${what}: ${codeOf(error)}`);
}
