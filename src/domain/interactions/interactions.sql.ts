import { fragment, type Fragment } from '../../platform/database/statement.js';

/**
 * SQL about `interactions` that other modules put into their own statements: a session that begins within an interaction,
 * and the code that answers it, cost no statement of their own for its row. Imports nothing of the domain, so that modules
 * below may use it.
 *
 * The row is written by the first statement that needs it (docs/decisions/0056-a-sealed-interaction.md). It may be there
 * already, since another request was first or since the interaction was too long to be sealed.
 */

/** What the row of an interaction is written from. */
export interface InteractionRow {
  readonly interactionHash: Buffer;
  readonly interactionBrowser: Buffer;
  readonly interactionBegan: Date;
  readonly interactionExpires: Date;
}

/** An {@link InteractionRow} as parameters of a statement. */
export const INTERACTION_ROW = {
  interactionHash: 'bytea',
  interactionBrowser: 'bytea',
  interactionBegan: 'timestamptz',
  interactionExpires: 'timestamptz',
} as const;

const COLUMNS = 'id_hash, browser_hash, created_at, expires_at';
const VALUES = ':interactionHash, :interactionBrowser, :interactionBegan, :interactionExpires';

/**
 * For the one row of the CTE `from` the session `:sessionId` begins within the interaction: CTE `interaction`. Empty when
 * the interaction has a row already: then another session may have begun within it, and no second one may.
 * @param answered the CTE that has a row when the interaction is answered at `:now` by the same statement
 */
export function beginSessionWithin(from: string, answered?: string): Fragment {
  const [column, value] =
    answered === undefined ? ['', ''] : [', answered_at', `, CASE WHEN EXISTS (SELECT FROM ${answered}) THEN :now END`];
  return fragment({
    needs: [from, ...(answered === undefined ? [] : [answered])],
    gives: ['interaction'],
    parameters: { ...INTERACTION_ROW, sessionId: 'uuid', ...(answered === undefined ? {} : { now: 'timestamptz' }) },
    text: `
     interaction AS (
       INSERT INTO interactions (${COLUMNS}, session_id${column}) SELECT ${VALUES}, :sessionId${value} FROM ${from}
       ON CONFLICT (id_hash) DO NOTHING RETURNING id_hash
     )`,
  });
}

/**
 * For the one row of the CTE `from` the interaction is answered at `:now`: CTE `answered`. Empty when it had its answer
 * before: of two statements that run at once the second waits for the first, and answers nothing.
 */
export function answerInteraction(from: string): Fragment {
  return fragment({
    needs: [from],
    gives: ['answered'],
    parameters: { ...INTERACTION_ROW, now: 'timestamptz' },
    text: `
     answered AS (
       INSERT INTO interactions (${COLUMNS}, answered_at) SELECT ${VALUES}, :now FROM ${from}
       ON CONFLICT (id_hash) DO UPDATE SET answered_at = excluded.answered_at WHERE interactions.answered_at IS NULL
       RETURNING id_hash
     )`,
  });
}
