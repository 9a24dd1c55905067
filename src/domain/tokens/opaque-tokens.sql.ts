import type { Parameters } from '../../platform/database/sql-types.js';
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

/** Of a statement that mints a token for each of many grants, in the order of {@link opaqueItem}: a list of each. */
export const OPAQUE_LISTS = {
  opaqueHash: 'bytea[]',
  opaqueJti: 'text[]',
  opaqueScope: 'text[]',
  opaqueAudience: 'text[]',
  opaqueAudienceOfOpenid: 'text[]',
  opaqueExpiresAt: 'timestamptz[]',
} as const;

/** What `asked` calls the {@link OPAQUE_LISTS}. */
export const OPAQUE_ITEMS = `opaque_hash, opaque_jti, opaque_scope, opaque_audience, opaque_audience_of_openid, opaque_expires_at`;

/** An element of each of the {@link OPAQUE_LISTS}. Lists in a list have to be of one length, so an audience is JSON. */
export function opaqueItem(token: OpaqueToStore | undefined) {
  return {
    opaqueHash: token?.tokenHash ?? null,
    opaqueJti: token?.jti ?? null,
    opaqueScope: token?.scope ?? null,
    opaqueAudience: token === undefined ? null : JSON.stringify(token.audience),
    opaqueAudienceOfOpenid: token === undefined ? null : JSON.stringify(token.audienceOfOpenid),
    opaqueExpiresAt: token?.expiresAt ?? null,
  };
}

/** SQL for what a token is stored with. */
type OpaqueSql = Readonly<Record<'hash' | 'jti' | 'scope' | 'audience' | 'audienceOfOpenid' | 'expiresAt', string>>;

function storeOpaque(given: OpaqueSql, parameters: Parameters): Fragment {
  return fragment({
    needs: ['g'],
    gives: ['opaque'],
    parameters: { ...parameters, now: 'timestamptz' },
    text: `
     opaque AS (
       INSERT INTO opaque_access_tokens (account_id, token_hash, jti, grant_id, client_id, scope, audience, issued_at, expires_at)
       SELECT g.account_id, ${given.hash}, ${given.jti}, g.id, g.client_id, token.scope,
              ${given.audience} || CASE WHEN 'openid' = ANY (string_to_array(token.scope, ' ')) THEN ${given.audienceOfOpenid} ELSE '{}' END,
              :now, ${given.expiresAt}
         FROM g, LATERAL (SELECT coalesce(${given.scope}, g.scope) AS scope) token
        WHERE ${given.hash} IS NOT NULL
     )`,
  });
}

/** The texts in a list that came as JSON. */
export function listIn(json: string): string {
  return `ARRAY(SELECT jsonb_array_elements_text(${json}::jsonb))`;
}

/**
 * CTE `opaque`: an opaque access token is stored for the grant in `g` (account_id, id, client_id, scope), when its hash is
 * given.
 */
export const STORE_OPAQUE = storeOpaque(
  {
    hash: ':opaqueHash',
    jti: ':opaqueJti',
    scope: ':opaqueScope',
    audience: ':opaqueAudience',
    audienceOfOpenid: ':opaqueAudienceOfOpenid',
    expiresAt: ':opaqueExpiresAt',
  },
  OPAQUE_PARAMETERS,
);

/** As {@link STORE_OPAQUE}, for each grant in `g`, which has the {@link OPAQUE_ITEMS}, too. */
export const STORE_OPAQUE_OF_EACH = storeOpaque(
  {
    hash: 'g.opaque_hash',
    jti: 'g.opaque_jti',
    scope: 'g.opaque_scope',
    audience: listIn('g.opaque_audience'),
    audienceOfOpenid: listIn('g.opaque_audience_of_openid'),
    expiresAt: 'g.opaque_expires_at',
  },
  {},
);
