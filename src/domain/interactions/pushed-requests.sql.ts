import { fragment, type Fragment } from '../../platform/database/statement.js';

/**
 * SQL about `pushed_requests` that other modules put into their own statements: the code that answers a pushed request uses
 * it up. Imports nothing of the domain, so that modules below may use it.
 */

/** Which pushed request is answered, as a parameter of a statement. */
export const PUSHED_REQUEST = { pushedHash: 'bytea' } as const;

/**
 * For the one row that `from` make together the pushed request is used up at `:now`: CTE `used`. Empty when it was before: of two
 * statements that run at once the second waits for the first, and uses nothing (RFC 9126 §4).
 */
export function usePushedRequest(from: readonly string[]): Fragment {
  return fragment({
    needs: from,
    gives: ['used'],
    parameters: { ...PUSHED_REQUEST, now: 'timestamptz' },
    text: `
     used AS (
       UPDATE pushed_requests p SET used_at = :now FROM ${from.join(', ')}
        WHERE p.id_hash = :pushedHash AND p.used_at IS NULL RETURNING p.id_hash
     )`,
  });
}
