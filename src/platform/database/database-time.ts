import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Clock } from '../clock/clock.js';
import { SECOND } from '../clock/durations.js';
import { ChangeFeed } from './change-feed.js';
import { PeriodicTask } from './periodic-task.js';
import { statement } from './statement.js';
import { warnOf } from './storage-log.js';
import { within } from './time-limit.js';
import { TransactionRunner } from './transaction.js';

const DATABASE_TIME = statement({
  name: 'database_time',
  row: { ms: 'float8!' },
  text: 'SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS ms',
});

const INTERVAL_MS = 15 * SECOND;
const ANSWER_MS = 2 * SECOND;
/** The quickest of so many answers counts, and none is waited for once one was quick. */
const SAMPLES = 5;
const QUICK_MS = 4;
/** A difference beyond it is taken at once. Below it the clock catches up by so much a step. */
const JUMP_MS = 500;
const STEP_MS = 10;
/** How often the clock makes a step, and is looked at whether the machine's was set. */
const TICK_MS = 250;
/** What was compared so lately need not be compared again. */
const FRESH_MS = SECOND;
/** The machine's two times drift apart by less between two looks. */
const SET_MS = 100;
/** From this difference of the machine's clock on, a warning; another one when it has changed by as much. */
const WARN_MS = 2 * SECOND;

/** Milliseconds by which the database's time is ahead of the clock's; the truth is within `uncertain` of it. */
interface Measure {
  readonly ahead: number;
  readonly uncertain: number;
}

/**
 * Keeps {@link Clock} at the time of the database (`clock_timestamp()`), which all nodes share. It is compared before
 * anything else begins, every fifteen seconds, and at once when the machine's time of day was set, the machine slept, or
 * the connection to the database was lost and is there again.
 * The answer to a question dates from between the question and the answer, so it is known within half that time: a
 * clock that agrees within it is left alone. A small difference is caught up with gradually, a large one at once, with
 * a line of the log (docs/decisions/0061-one-clock.md).
 */
@Injectable()
export class DatabaseTime implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('Clock');
  private readonly task = new PeriodicTask(
    () => this.compare(),
    (error) => this.notCompared(error),
  );
  private ticking: NodeJS.Timeout | undefined;
  /** What is still to be caught up with, in milliseconds. */
  private owed = 0;
  private apart: number;
  private warnedAt = 0;
  private comparedAt = 0;

  private constructor(
    private readonly transactions: TransactionRunner,
    private readonly clock: Clock,
    private readonly changes: ChangeFeed,
  ) {
    this.apart = clock.machineApartMs;
  }

  /** The clock is right by the time that this returns. @throws a storage failure */
  static async start(transactions: TransactionRunner, clock: Clock, changes: ChangeFeed): Promise<DatabaseTime> {
    const time = new DatabaseTime(transactions, clock, changes);
    const { ahead } = await time.measure();
    clock.jump(ahead);
    return time;
  }

  onApplicationBootstrap(): void {
    this.warn();
    this.changes.whenBack(() => this.task.runAgain());
    this.task.start(INTERVAL_MS);
    this.ticking = setInterval(() => this.tick(), TICK_MS).unref();
  }

  onApplicationShutdown(): Promise<void> {
    clearInterval(this.ticking);
    return this.task.stop();
  }

  /**
   * For a caller to whom something seems wrong with the time. False: it could not be compared, which is logged; otherwise it has
   * been compared within the last second.
   */
  async assure(): Promise<boolean> {
    if (this.clock.steady() - this.comparedAt < FRESH_MS) return true;
    try {
      await this.task.run();
      return true;
    } catch (error) {
      this.notCompared(error);
      return false;
    }
  }

  /** Compares now, once. @throws a storage failure */
  async compare(): Promise<void> {
    const { ahead, uncertain } = await this.measure();
    this.comparedAt = this.clock.steady();
    this.owed = 0;
    if (Math.abs(ahead) > JUMP_MS + uncertain) this.jump(ahead);
    else if (Math.abs(ahead) > uncertain) this.owed = ahead;
    this.warn();
  }

  /** @internal A step towards the database's time; and whether the machine's was set since the last look. */
  tick(): void {
    const step = Math.max(-STEP_MS, Math.min(STEP_MS, this.owed));
    this.clock.slew(step);
    this.owed -= step;
    const apart = this.clock.machineApartMs;
    const wasSet = Math.abs(apart - this.apart) > SET_MS;
    this.apart = apart;
    if (wasSet) this.task.runAgain();
  }

  private notCompared(error: unknown): void {
    warnOf(this.logger, 'the clock was not compared with the database', error);
  }

  private jump(ms: number): void {
    this.clock.jump(ms);
    const way = ms > 0 ? 'forward' : 'back';
    this.logger.warn(`the time went ${way} by ${secondsOf(ms)} s, to that of the database`);
  }

  private warn(): void {
    const ahead = this.clock.machineAheadMs;
    const isFar = Math.abs(ahead) >= WARN_MS;
    if (!isFar || Math.abs(ahead - this.warnedAt) < WARN_MS) {
      if (!isFar) this.warnedAt = 0;
      return;
    }
    this.warnedAt = ahead;
    const side = ahead > 0 ? 'ahead of' : 'behind';
    this.logger.warn(
      `the clock of this machine is ${secondsOf(ahead)} s ${side} that of the database, whose time is used`,
    );
  }

  private async measure(): Promise<Measure> {
    let best: Measure | undefined;
    for (let n = 0; n < SAMPLES && (best === undefined || best.uncertain > QUICK_MS / 2); n += 1) {
      const measure = await this.sample();
      if (best === undefined || measure.uncertain < best.uncertain) best = measure;
    }
    return best as Measure;
  }

  private async sample(): Promise<Measure> {
    const asked = this.clock.reading();
    const rows = await within(ANSWER_MS, this.transactions.query(DATABASE_TIME, {}));
    const uncertain = (this.clock.reading() - asked) / 2;
    const [{ ms } = { ms: Number.NaN }] = rows;
    return { ahead: ms - (asked + uncertain), uncertain };
  }
}

function secondsOf(ms: number): string {
  return (Math.abs(ms) / SECOND).toFixed(1);
}
