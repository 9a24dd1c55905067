import { PATHS } from '../../../platform/oidc/endpoints.js';
import { EXAMPLE } from '../../docs/examples.js';
import type { DialectDescriptor } from '../dialect.js';
import { BackChannelReceiverFilter } from './back-channel-receiver.filter.js';
import { BackChannelReceiverModule } from './back-channel-receiver.module.js';
import { NAME, TAG } from './vocabulary.js';

/**
 * Logout tokens of other providers (Back-Channel Logout 1.0). Its cause, `upstream_logout`, is the domain's: what a
 * provider may end is decided with the upstreams.
 */
export const BACK_CHANNEL_RECEIVER: DialectDescriptor = {
  name: NAME,
  module: BackChannelReceiverModule,
  causes: [],
  paths: [PATHS.backchannelLogout],
  ownBody: false,
  errors: BackChannelReceiverFilter,
  openApi: {
    tag: {
      name: TAG,
      description: 'Logout tokens of the providers that people sign in with; “Handle OIDC backchannel logout”.',
    },
    operations: { BackChannelReceiver_receive: { body: { logout_token: EXAMPLE.logoutToken } } },
  },
};
