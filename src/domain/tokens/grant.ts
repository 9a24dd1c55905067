import { typed, type RowOf } from '../../platform/database/statement.js';
import { scopeGrantedTo } from '../clients/clients.sql.js';
import type { ClaimsParameter } from '../../platform/oidc/claims.js';

/** What one subject allowed one client, as far as minting and checking tokens needs it. */
export interface Grant {
  readonly id: string;
  readonly accountId: string;
  readonly clientId: string;
  readonly sessionId: string | null;
  readonly offline: boolean;
  /** Of what was allowed, what the client is registered for today. */
  readonly scope: readonly string[];
  readonly claims: ClaimsParameter | null;
  readonly authenticatedAt: Date;
  readonly amr: readonly string[];
  /** The session as this client knows it. */
  readonly sid: string | null;
  /** The upstream by which a facilitator signed the person in; null: our own sign-in. */
  readonly upstream: string | null;
}

/** Of a grant, without {@link SID_COLUMN}. */
export const GRANT_COLUMNS = {
  id: 'uuid',
  account_id: 'uuid',
  client_id: 'text',
  session_id: 'uuid?',
  offline: 'boolean',
  scope: 'text',
  claims: typed<ClaimsParameter | null>('jsonb?'),
  authenticated_at: 'timestamptz',
  amr: 'text[]',
  realm: 'text?',
} as const;
export const SID_COLUMN = { sid: 'text?' } as const;

type GrantRow = Readonly<RowOf<typeof GRANT_COLUMNS> & Partial<RowOf<typeof SID_COLUMN>>>;

/** The scope of a grant `g` to the client `c` as it counts today. */
export const GRANTED_SCOPE = scopeGrantedTo('c', 'g.scope', 'g.client_generation');

/** The {@link GRANT_COLUMNS} from a grant `g` to the client `c`. */
export const GRANT_SELECTED = `g.id, g.account_id, g.client_id, g.session_id, g.offline, ${GRANTED_SCOPE} AS scope, g.claims, g.authenticated_at, g.amr, g.realm`;

export function toGrant(row: GrantRow): Grant {
  return {
    id: row.id,
    accountId: row.account_id,
    clientId: row.client_id,
    sessionId: row.session_id,
    offline: row.offline,
    scope: row.scope.split(' ').filter((scope) => scope !== ''),
    claims: row.claims,
    authenticatedAt: row.authenticated_at,
    amr: row.amr,
    sid: row.sid ?? null,
    upstream: row.realm,
  };
}

/**
 * The last day (UTC) on which a grant may be asked for whose last token expires at `expiresAt`: the day after, so that
 * what has just expired is still known.
 */
export function lastDayFor(expiresAt: string): string {
  return `((${expiresAt} AT TIME ZONE 'UTC')::date + 1)`;
}
