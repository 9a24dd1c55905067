import { randomFillSync } from 'node:crypto';

const BYTES = 8;
/** Drawn at once, since each draw costs a system call. */
const pool = Buffer.alloc(512 * BYTES);
let drawn = pool.length;

/** A new id: 16 hexadecimal digits. Not a secret; it only has to differ from others. */
export function newRequestId(): string {
  if (drawn === pool.length) {
    randomFillSync(pool);
    drawn = 0;
  }
  drawn += BYTES;
  return pool.toString('hex', drawn - BYTES, drawn);
}

const WELL_FORMED = /^[A-Za-z0-9._-]{1,64}$/;

/** Whether an id that came from outside can be written in a header, a page and a line of the log as it is. */
export function isRequestId(text: string): boolean {
  return WELL_FORMED.test(text);
}
