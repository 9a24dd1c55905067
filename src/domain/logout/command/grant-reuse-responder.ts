import { Injectable, type OnModuleInit } from '@nestjs/common';
import { GrantReuse } from '../../tokens/grant-reuse.js';
import { LogoutService } from './logout.service.js';

/** Ends the grant of a code or refresh token that was used twice. */
@Injectable()
export class GrantReuseResponder implements OnModuleInit {
  constructor(
    private readonly reuse: GrantReuse,
    private readonly logouts: LogoutService,
  ) {}

  onModuleInit(): void {
    this.reuse.handleWith(async (grantId, clientId, cause) => {
      await this.logouts.logout({ target: { kind: 'grant', grantId }, cause, initiator: { kind: 'client', clientId } });
    });
  }
}
