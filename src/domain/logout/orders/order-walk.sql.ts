import { limitAlongIndex } from '../../../platform/database/sql-text.js';
import type { Walk } from './order-kinds.sql.js';

const NIL = '00000000-0000-0000-0000-000000000000';

/**
 * The rows of a walk that come after `:cursor` (null: from the beginning), at most `:look` of them: CTE `looked` (what
 * `columns` says, cursor, due), by an index, in its order. So many rows are read and no more, whatever they are.
 */
export function lookAt(walk: Walk, columns: string): string {
  const { from, among, along, due } = walk;
  const begin = along.map(() => NIL).join('/');
  const after = along.map((_, i) => `split_part(coalesce(:cursor, '${begin}'), '/', ${i + 1})::uuid`);
  return `
     looked AS MATERIALIZED (
       SELECT ${columns}, ${along.map((column) => `${column}::text`).join(` || '/' || `)} AS cursor, ${due} AS due
         FROM ${from} WHERE ${among} AND (${along.join(', ')}) > (${after.join(', ')})
        ORDER BY ${along.join(', ')} ${limitAlongIndex(':look')}
     )`;
}

/** The row of `looked` that was looked at last. Texts of uuids have the order of uuids. */
export const LAST_LOOKED = `(SELECT max(cursor COLLATE "C") FROM looked)`;
/** There are no more rows after those in `looked`. */
export const ALL_LOOKED = '((SELECT count(*) FROM looked) < :look)';
