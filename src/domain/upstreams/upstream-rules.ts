import { Inject, Injectable } from '@nestjs/common';
import { SETTINGS, type Settings } from '../../platform/config/settings.js';
import { InvalidRequestError } from '../../platform/oidc/errors.js';
import { LogoutDialects } from './ports/logout-dialects.js';
import { checkedUpstream, type CheckedUpstream, type UpstreamInput } from './upstream-registration.js';

/** What the registration of an upstream is checked against in this installation. */
@Injectable()
export class UpstreamRules {
  constructor(
    private readonly dialects: LogoutDialects,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /**
   * As {@link checkedUpstream}.
   * @throws InvalidRequestError with the member's name; also for this provider itself, whose logout tokens would otherwise
   *   be an upstream's
   */
  check(input: UpstreamInput, before: CheckedUpstream | undefined, hasSecret: boolean): CheckedUpstream {
    const checked = checkedUpstream(input, before, {
      allowInsecure: this.settings.allowInsecureRedirectUris,
      dialects: this.dialects.names,
      hasSecret,
    });
    if (checked.issuer === this.settings.issuer)
      throw new InvalidRequestError('issuer is this provider itself; its realm is there already, as exeunt.');
    return checked;
  }
}
