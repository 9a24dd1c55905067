import { Inject, Injectable, Optional } from '@nestjs/common';

/** What the machine says of itself, in milliseconds. */
export interface MachineTime {
  /** Since 1970. It may be wrong, and set forward or back at any moment. */
  timeOfDay(): number;
  /** Since some moment: it only goes forward, and stands while the machine sleeps. */
  steady(): number;
}

/** Nest's injection token for another {@link MachineTime}. */
export const MACHINE_TIME = Symbol('MachineTime');
const MACHINE: MachineTime = { timeOfDay: () => Date.now(), steady: () => performance.now() };

/**
 * The only source of the time of day, so that tests set it and nothing waits. It is the time of the database, which all
 * nodes share: carried on by the machine's steady time, and corrected by `DatabaseTime`. When the machine's own time of
 * day is set, this one does not notice. Until it is corrected for the first time it is the machine's.
 */
@Injectable()
export class Clock {
  /** This and the steady time are the time of day, in milliseconds. */
  private base: number;
  /** The latest time that was given out. */
  private latest = 0;
  private jumped = 0;

  constructor(@Optional() @Inject(MACHINE_TIME) private readonly machine: MachineTime = MACHINE) {
    this.base = machine.timeOfDay() - machine.steady();
  }

  /** It never goes back, but when it jumps. */
  now(): Date {
    const now = this.base + this.machine.steady();
    if (now > this.latest) this.latest = now;
    return new Date(this.latest);
  }

  /** Whole seconds since 1970, as JWT claims want them (RFC 7519 §2 NumericDate). */
  seconds(): number {
    return Math.floor(this.now().getTime() / 1000);
  }

  /** The moment `ms` milliseconds from now. */
  in(ms: number): Date {
    return new Date(this.now().getTime() + ms);
  }

  /** Milliseconds that only go forward, for telling how old something is: this clock is never set back. */
  steady(): number {
    return this.machine.steady();
  }

  /** Seconds by which this clock is ahead of the machine's, for libraries that look at that one. */
  skewSeconds(): number {
    return this.seconds() - Math.floor(this.machine.timeOfDay() / 1000);
  }

  /** Milliseconds by which the machine's time of day is ahead of this clock. */
  get machineAheadMs(): number {
    return this.machine.timeOfDay() - this.reading();
  }

  /** Milliseconds between the machine's two times: what changes it is that one of them was set, or that the machine slept. */
  get machineApartMs(): number {
    return this.machine.timeOfDay() - this.machine.steady();
  }

  /** The time of day to a fraction of a millisecond, for comparing. It may go back a little, where {@link now} stands. */
  reading(): number {
    return this.base + this.machine.steady();
  }

  /** A small correction: {@link now} stands still rather than going back. */
  slew(ms: number): void {
    this.base += ms;
  }

  /** A large correction, at once: {@link now} may go back. */
  jump(ms: number): void {
    this.base += ms;
    this.latest = 0;
    this.jumped += 1;
  }

  /** How often this clock has jumped: what was dated before a jump was dated wrongly. */
  get jumps(): number {
    return this.jumped;
  }
}
