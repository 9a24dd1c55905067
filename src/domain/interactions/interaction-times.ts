import { DAY, HOUR } from '../../platform/clock/durations.js';

/** Long enough to find a password, short enough that a forgotten tab is not a way in. */
export const OPEN_MS = HOUR;

/**
 * How long after its time a person who comes back to an interaction still gets a way to continue: a notebook that was
 * closed overnight.
 */
export const KEPT_MS = DAY;
