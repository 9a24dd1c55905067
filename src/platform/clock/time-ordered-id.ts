import { randomFillSync } from 'node:crypto';
import { v7 } from 'uuid';

const UUID_BYTES = 16;
/** Drawn at once, since each draw costs a system call: six times what the rest of an id costs. */
const pool = Buffer.alloc(256 * UUID_BYTES);
let drawn = pool.length;

/** Random bytes for one id; good until the next one is asked for. Not for secrets: those are not to lie in a pool. */
function randomBytes(): Buffer {
  if (drawn === pool.length) {
    randomFillSync(pool);
    drawn = 0;
  }
  drawn += UUID_BYTES;
  return pool.subarray(drawn - UUID_BYTES, drawn);
}

/** A new UUID of version 7 of this moment by the machine's clock, for what only has to differ from others. */
export function newId(): string {
  return v7({ random: randomBytes() });
}

/** How many this process has made, counted on from anywhere. */
let made = Math.floor(Math.random() * 2 ** 30);

/**
 * A UUID of version 7 (RFC 9562 §5.7) of the moment `now`, which is the application's clock and not the machine's: rows
 * that are kept by day lie in the day of their id. Those that one process makes for one millisecond go up, in the order
 * of their making (§6.2, method 1).
 */
export function timeOrderedId(now: Date): string {
  made = (made + 1) % 2 ** 31;
  return v7({ random: randomBytes(), msecs: now.getTime(), seq: made });
}

/** Every UUID of version 7 that was made at `moment` or later is at least this one, and every one made before is less. */
export function firstIdOf(moment: Date): string {
  const ms = Math.max(0, moment.getTime()).toString(16).padStart(12, '0');
  return `${ms.slice(0, 8)}-${ms.slice(8)}-0000-0000-000000000000`;
}

/** All ids of the millisecond of `id`, as bounds that are among them. */
export function sameMoment(id: string): { readonly from: string; readonly to: string } {
  const ms = id.slice(0, 13);
  return { from: `${ms}-0000-0000-000000000000`, to: `${ms}-ffff-ffff-ffffffffffff` };
}
