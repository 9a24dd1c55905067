import type { GrantKey } from '../token-routing.js';

export type ReuseCause = 'refresh_token_reuse' | 'code_reuse';

/** A code or a refresh token was used twice. What follows is a matter of `logout`, which stands above and binds this. */
export abstract class GrantReuse {
  /**
   * Returns once the grant's revocation is committed.
   * @throws what storage throws: then the request fails, so that no reuse is passed over
   */
  abstract detected(grant: GrantKey, clientId: string, cause: ReuseCause): Promise<void>;
}
