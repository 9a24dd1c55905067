import { Injectable } from '@nestjs/common';
import { GrantReuse, type ReuseCause } from '../../tokens/ports/grant-reuse.js';
import type { GrantKey } from '../../tokens/token-routing.js';
import { LogoutService } from './logout.service.js';

/** Ends the grant of a code or refresh token that was used twice (RFC 6749 §4.1.2, RFC 9700 §4.14.2). */
@Injectable()
export class GrantReuseResponder extends GrantReuse {
  constructor(private readonly logouts: LogoutService) {
    super();
  }

  async detected({ accountId, grantId }: GrantKey, clientId: string, cause: ReuseCause): Promise<void> {
    await this.logouts.logout({
      target: { kind: 'grant', accountId, grantId },
      cause,
      initiator: { kind: 'client', clientId },
    });
  }
}
