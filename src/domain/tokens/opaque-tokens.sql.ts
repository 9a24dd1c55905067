import { fragment, type Fragment } from '../../platform/database/statement.js';

/** What a new opaque access token is stored with; undefined for JWTs, which are not stored. */
export interface OpaqueToStore {
  readonly tokenHash: Buffer;
  readonly jti: string;
  readonly scope: string | null;
  readonly audience: readonly string[];
  /** Added to the audience when the token's scope has `openid`. */
  readonly audienceOfOpenid: readonly string[];
  readonly expiresAt: Date;
}

/** Of statements that mint a token, beside `now`. */
export const OPAQUE_PARAMETERS = {
  opaqueHash: 'bytea?',
  opaqueJti: 'text?',
  opaqueScope: 'text?',
  opaqueAudience: 'text[]?',
  opaqueAudienceOfOpenid: 'text[]?',
  opaqueExpiresAt: 'timestamptz?',
} as const;

/** Values of the {@link OPAQUE_PARAMETERS}. */
export function opaqueValues(token: OpaqueToStore | undefined) {
  return {
    opaqueHash: token?.tokenHash,
    opaqueJti: token?.jti,
    opaqueScope: token?.scope,
    opaqueAudience: token?.audience,
    opaqueAudienceOfOpenid: token?.audienceOfOpenid,
    opaqueExpiresAt: token?.expiresAt,
  };
}

/**
 * CTE `opaque`: an opaque access token is stored for the grant in `g` (id, client_id, scope), when its hash is given.
 * @param once a CTE of one row if the token may be minted, and of none otherwise
 */
export function storeOpaque(once?: string): Fragment {
  return fragment({
    needs: ['g', ...(once === undefined ? [] : [once])],
    gives: ['opaque'],
    parameters: { ...OPAQUE_PARAMETERS, now: 'timestamptz' },
    text: `
     opaque AS (
       INSERT INTO opaque_access_tokens (token_hash, jti, grant_id, client_id, scope, audience, issued_at, expires_at)
       SELECT :opaqueHash, :opaqueJti, g.id, g.client_id, token.scope,
              :opaqueAudience || CASE WHEN 'openid' = ANY (string_to_array(token.scope, ' ')) THEN :opaqueAudienceOfOpenid ELSE '{}' END,
              :now, :opaqueExpiresAt
         FROM g, ${once === undefined ? '' : `${once}, `}LATERAL (SELECT coalesce(:opaqueScope, g.scope) AS scope) token
        WHERE :opaqueHash IS NOT NULL
     )`,
  });
}
