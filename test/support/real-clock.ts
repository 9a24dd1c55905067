import { TestClock } from './clock.js';

/** For tests with software of others, which looks at the real time. */
export class RealClock extends TestClock {
  override now(): Date {
    return new Date();
  }
}
