import { Clock } from '../../src/platform/clock/clock.js';

/** A clock that stands still until it is told to move. */
export class TestClock extends Clock {
  private current = new Date('2026-03-01T12:00:00.000Z');

  override now(): Date {
    return new Date(this.current);
  }

  advance(ms: number): void {
    this.current = new Date(this.current.getTime() + ms);
  }
}

export { DAY, HOUR, MINUTE, SECOND } from '../../src/platform/clock/durations.js';
