import { PATHS } from '../../../platform/oidc/endpoints.js';
import { EXAMPLE } from '../../docs/examples.js';
import type { DialectDescriptor } from '../dialect.js';
import { OidcEndSessionModule } from './oidc-end-session.module.js';
import { END_SESSION, END_SESSION_CLIENT, NAME, TAG } from './vocabulary.js';

/** OpenID Connect RP-Initiated Logout 1.0. */
export const OIDC_END_SESSION: DialectDescriptor = {
  name: NAME,
  module: OidcEndSessionModule,
  causes: [END_SESSION, END_SESSION_CLIENT],
  paths: [PATHS.endSession],
  ownBody: false,
  openApi: {
    tag: {
      name: TAG,
      description:
        'OpenID Connect RP-Initiated Logout with a confirmation dialog; documented by cidaas as “Logout Endpoint (End-Session)”.',
    },
    operations: { EndSession_post: { body: { id_token_hint: EXAMPLE.idToken } } },
  },
};
