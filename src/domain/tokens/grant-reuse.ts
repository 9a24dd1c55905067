import { Injectable } from '@nestjs/common';

export type ReuseCause = 'refresh_token_reuse' | 'code_reuse';
type Handler = (grantId: string, clientId: string, cause: ReuseCause) => Promise<void>;

/**
 * A code or a refresh token was used twice. What follows is a matter of `logout`, which stands above this module; it
 * registers here at start. Without it nothing may be answered, so that no reuse is ever passed over.
 */
@Injectable()
export class GrantReuse {
  private handler: Handler | undefined;

  handleWith(handler: Handler): void {
    this.handler = handler;
  }

  /** Returns once the grant's revocation is committed. */
  async detected(grantId: string, clientId: string, cause: ReuseCause): Promise<void> {
    if (this.handler === undefined) throw new Error('nobody handles the reuse of a token');
    await this.handler(grantId, clientId, cause);
  }
}
