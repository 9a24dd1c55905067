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

export interface GrantRow {
  id: string;
  account_id: string;
  client_id: string;
  session_id: string | null;
  offline: boolean;
  scope: string;
  claims: ClaimsParameter | null;
  authenticated_at: Date;
  amr: string[];
  sid: string | null;
  realm: string | null;
}

/** The scope of a grant `g` to the client `c` as it counts today. */
export const GRANTED_SCOPE = scopeGrantedTo('c', 'g.scope');

/** Columns of a {@link GrantRow} from a grant `g` to the client `c`, without `sid`. */
export const GRANT_COLUMNS = `g.id, g.account_id, g.client_id, g.session_id, g.offline, ${GRANTED_SCOPE} AS scope, g.claims, g.authenticated_at, g.amr, g.realm`;

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
    sid: row.sid,
    upstream: row.realm,
  };
}
