import { Module } from '@nestjs/common';
import { AccountsModule } from '../accounts/accounts.module.js';
import { AuditModule } from '../../platform/audit/audit.module.js';
import { EgressModule } from '../../platform/egress/egress.module.js';
import { KeysModule } from '../../platform/keys/keys.module.js';
import { SessionsModule } from '../sessions/sessions.module.js';
import { TokensModule } from '../tokens/tokens.module.js';
import { OrganizationRepository } from './organization.repository.js';
import { OrganizationsService } from './organizations.service.js';
import { UpstreamAuthenticationRepository } from './upstream-authentication.repository.js';
import { UpstreamAuthentications } from './upstream-authentications.service.js';
import { UpstreamClientAuthentication } from './upstream-client-authentication.js';
import { UpstreamClient } from './upstream-client.js';
import { UpstreamIdentityRepository } from './upstream-identity.repository.js';
import { UpstreamIdentities } from './upstream-identities.service.js';
import { UpstreamKeys } from './upstream-keys.js';
import { UpstreamLinks } from './upstream-links.service.js';
import { UpstreamLogoutTokenRepository } from './upstream-logout-token.repository.js';
import { UpstreamLogoutTokens } from './upstream-logout-tokens.service.js';
import { UpstreamLogout } from './upstream-logout.service.js';
import { UpstreamRules } from './upstream-rules.js';
import { UpstreamMetadata } from './upstream-metadata.service.js';
import { UpstreamRoundTrips } from './upstream-round-trips.service.js';
import { UpstreamSessions } from './upstream-sessions.service.js';
import { UpstreamRepository } from './upstream.repository.js';
import { UpstreamsService } from './upstreams.service.js';

@Module({
  imports: [AccountsModule, AuditModule, EgressModule, KeysModule, SessionsModule, TokensModule],
  providers: [
    OrganizationRepository,
    OrganizationsService,
    UpstreamAuthenticationRepository,
    UpstreamAuthentications,
    UpstreamClient,
    UpstreamClientAuthentication,
    UpstreamIdentityRepository,
    UpstreamIdentities,
    UpstreamKeys,
    UpstreamLinks,
    UpstreamLogout,
    UpstreamLogoutTokenRepository,
    UpstreamLogoutTokens,
    UpstreamMetadata,
    UpstreamRepository,
    UpstreamRoundTrips,
    UpstreamRules,
    UpstreamSessions,
    UpstreamsService,
  ],
  exports: [
    OrganizationsService,
    UpstreamAuthentications,
    UpstreamClient,
    UpstreamIdentities,
    UpstreamLogout,
    UpstreamLogoutTokens,
    UpstreamRoundTrips,
    UpstreamSessions,
    UpstreamsService,
  ],
})
export class UpstreamsModule {}
