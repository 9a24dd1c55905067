import { AccountEntity } from './accounts/entities/account.entity.js';
import { AuditEventEntity } from './audit/entities/audit-event.entity.js';
import { ConsentEntity } from './authorization/entities/consent.entity.js';
import { InteractionEntity } from './authorization/entities/interaction.entity.js';
import { ClientEntity } from './clients/entities/client.entity.js';
import { UsedClientAssertionEntity } from './clients/entities/used-client-assertion.entity.js';
import { ConsoleSessionEntity } from './console/entities/console-session.entity.js';
import { SigningKeyEntity } from './keys/entities/signing-key.entity.js';
import { BackChannelLogoutAttemptEntity } from './logout/entities/back-channel-logout-attempt.entity.js';
import { BackChannelLogoutDeliveryEntity } from './logout/entities/back-channel-logout-delivery.entity.js';
import { LogoutReceiptEntity } from './logout/entities/logout-receipt.entity.js';
import { DeliveryBreakerEntity } from './logout/entities/delivery-breaker.entity.js';
import { SessionTerminationEntity } from './logout/entities/session-termination.entity.js';
import { LogoutOrderApplicationEntity } from './logout/orders/entities/logout-order-application.entity.js';
import { LogoutOrderEntity } from './logout/orders/entities/logout-order.entity.js';
import { RateLimitEntity } from './rate-limits/entities/rate-limit.entity.js';
import { SessionClientEntity } from './sessions/entities/session-client.entity.js';
import { SessionUpstreamEntity } from './sessions/entities/session-upstream.entity.js';
import { SessionEntity } from './sessions/entities/session.entity.js';
import { AuthorizationCodeEntity } from './tokens/entities/authorization-code.entity.js';
import { GrantEntity } from './tokens/entities/grant.entity.js';
import { OpaqueAccessTokenEntity } from './tokens/entities/opaque-access-token.entity.js';
import { RefreshTokenEntity } from './tokens/entities/refresh-token.entity.js';
import { RevokedAccessTokenEntity } from './tokens/entities/revoked-access-token.entity.js';
import { OrganizationEntity } from './upstreams/entities/organization.entity.js';
import { UpstreamAuthenticationEntity } from './upstreams/entities/upstream-authentication.entity.js';
import { UpstreamIdentityEntity } from './upstreams/entities/upstream-identity.entity.js';
import { UpstreamLogoutTokenEntity } from './upstreams/entities/upstream-logout-token.entity.js';
import { UpstreamEntity } from './upstreams/entities/upstream.entity.js';

/** Every entity of every module. Foreign keys name tables by string, so all must be in one data source. */
export const ENTITIES = [
  AccountEntity,
  RateLimitEntity,
  AuditEventEntity,
  ClientEntity,
  UsedClientAssertionEntity,
  SigningKeyEntity,
  SessionEntity,
  SessionClientEntity,
  SessionUpstreamEntity,
  GrantEntity,
  AuthorizationCodeEntity,
  RefreshTokenEntity,
  OpaqueAccessTokenEntity,
  RevokedAccessTokenEntity,
  InteractionEntity,
  ConsentEntity,
  SessionTerminationEntity,
  BackChannelLogoutDeliveryEntity,
  BackChannelLogoutAttemptEntity,
  LogoutReceiptEntity,
  DeliveryBreakerEntity,
  LogoutOrderEntity,
  LogoutOrderApplicationEntity,
  UpstreamEntity,
  UpstreamIdentityEntity,
  UpstreamAuthenticationEntity,
  UpstreamLogoutTokenEntity,
  OrganizationEntity,
  ConsoleSessionEntity,
];
