import { Clock, type MachineTime } from '../../src/platform/clock/clock.js';
import { TestClock } from './clock.js';

/** A machine whose clock is wrong, and may be set. It goes as fast as the real one. */
export class WrongMachine implements MachineTime {
  private sleptMs = 0;

  /** @param aheadMs how far its time of day is ahead; negative: behind */
  constructor(private aheadMs: number) {}

  timeOfDay(): number {
    return Date.now() + this.aheadMs;
  }

  steady(): number {
    return performance.now() - this.sleptMs;
  }

  /** Its time of day is set forward, or back. */
  set(ms: number): void {
    this.aheadMs += ms;
  }

  /** It was asleep: its time of day is right afterwards, and its steady time stood. */
  sleep(ms: number): void {
    this.sleptMs += ms;
  }
}

/** The clock of production, on such a machine. */
export class SkewedClock extends TestClock {
  readonly wrong: WrongMachine;

  constructor(aheadMs: number) {
    const wrong = new WrongMachine(aheadMs);
    super(wrong);
    this.wrong = wrong;
  }

  override now(): Date {
    return Clock.prototype.now.call(this);
  }
}
