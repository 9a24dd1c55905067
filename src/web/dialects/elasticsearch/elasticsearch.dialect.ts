import { EXAMPLE } from '../../docs/examples.js';
import type { DialectDescriptor } from '../dialect.js';
import { ElasticsearchErrorFilter } from './elasticsearch-error.filter.js';
import { ElasticsearchModule } from './elasticsearch.module.js';
import { ELASTICSEARCH_LOGOUT, NAME, PRIVILEGES, TAG } from './vocabulary.js';

/** The OpenID Connect and token APIs of Elasticsearch, for facilitators. */
export const ELASTICSEARCH: DialectDescriptor = {
  name: NAME,
  module: ElasticsearchModule,
  causes: [ELASTICSEARCH_LOGOUT],
  permissions: PRIVILEGES,
  paths: ['/_security/'],
  ownBody: true,
  errors: ElasticsearchErrorFilter,
  openApi: {
    tag: {
      name: TAG,
      description:
        '“OpenID Connect logout API” and its siblings under `_security`, for facilitators: applications that sign people in and out on pages of their own.',
    },
    security: {
      facilitator: {
        type: 'http',
        scheme: 'basic',
        description:
          'A client with the permission that the operation needs (`manage_oidc`, `manage_token`); or a Bearer token of its own.',
      },
    },
    operations: {
      ElasticsearchOidc_prepare: {
        success: '`redirect`, where to send the browser; `state` and `nonce` to keep for it; the `realm`’s name.',
        body: { realm: 'exeunt' },
      },
      ElasticsearchOidc_authenticate: {
        success: 'A pair of tokens that this service issued, how long the access token is good, and who signed in.',
        body: {
          redirect_uri: '/api/security/oidc/callback?code=SplxlOBeZQQYbYS6WxSbIA&state=4dbrihtIAt3wBTwo6DxK',
          state: '4dbrihtIAt3wBTwo6DxK',
          nonce: 'WaBPH0KqPVdG5HHdSxPRjfoZbXMCicm5v1OiAj0DUFM',
          realm: 'exeunt',
        },
      },
      ElasticsearchOidc_logout: {
        success:
          '`redirect`: the provider’s end-session endpoint with every parameter of the logout request, for the browser to go to; `null` where the provider has none.',
        body: { token: EXAMPLE.accessToken, refresh_token: EXAMPLE.refreshToken },
      },
      ElasticsearchToken_create: {
        success: 'The tokens; without `refresh_token` for `client_credentials`.',
        body: { grant_type: 'client_credentials' },
      },
      ElasticsearchToken_invalidate: {
        success: 'How many tokens died by it, and how many were dead before.',
        body: { token: EXAMPLE.accessToken },
      },
      ElasticsearchAuthenticate_authenticate: {
        success: 'The person or the client that the credential stands for.',
      },
    },
  },
};
