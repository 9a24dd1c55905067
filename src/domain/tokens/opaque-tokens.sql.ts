import { fragment } from '../../platform/database/statement.js';

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
 * CTE `opaque`: an opaque access token is stored for the grant in `g` (account_id, id, client_id, scope), when its hash is
 * given.
 */
export const STORE_OPAQUE = fragment({
  needs: ['g'],
  gives: ['opaque'],
  parameters: { ...OPAQUE_PARAMETERS, now: 'timestamptz' },
  text: `
     opaque AS (
       INSERT INTO opaque_access_tokens (account_id, token_hash, jti, grant_id, client_id, scope, audience, issued_at, expires_at)
       SELECT g.account_id, :opaqueHash, :opaqueJti, g.id, g.client_id, token.scope,
              :opaqueAudience || CASE WHEN 'openid' = ANY (string_to_array(token.scope, ' ')) THEN :opaqueAudienceOfOpenid ELSE '{}' END,
              :now, :opaqueExpiresAt
         FROM g, LATERAL (SELECT coalesce(:opaqueScope, g.scope) AS scope) token
        WHERE :opaqueHash IS NOT NULL
     )`,
});
