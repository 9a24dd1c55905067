import { AccountEntity } from './domain/accounts/entities/account.entity.js';
import { AuditEventEntity } from './platform/audit/entities/audit-event.entity.js';
import { ConsentEntity } from './domain/consents/entities/consent.entity.js';
import { PushedRequestEntity } from './domain/interactions/entities/pushed-request.entity.js';
import { InteractionEntity } from './domain/interactions/entities/interaction.entity.js';
import { ClientEntity } from './domain/clients/entities/client.entity.js';
import { UsedClientAssertionEntity } from './domain/clients/entities/used-client-assertion.entity.js';
import { ConsoleSessionEntity } from './domain/operators/entities/console-session.entity.js';
import { SigningKeyEntity } from './platform/keys/entities/signing-key.entity.js';
import { BackChannelLogoutAttemptEntity } from './domain/logout/notices/entities/back-channel-logout-attempt.entity.js';
import { BackChannelLogoutDeliveryEntity } from './domain/logout/notices/entities/back-channel-logout-delivery.entity.js';
import { DeliveredNoticeEntity } from './domain/logout/notices/entities/delivered-notice.entity.js';
import { DeliveryBucketEntity } from './domain/logout/notices/entities/delivery-bucket.entity.js';
import { OwedReceiptEntity } from './domain/logout/receipts/entities/owed-receipt.entity.js';
import { LogoutReceiptEntity } from './domain/logout/receipts/entities/logout-receipt.entity.js';
import { DeliveryBreakerEntity } from './domain/logout/notices/entities/delivery-breaker.entity.js';
import { SessionTerminationEntity } from './domain/logout/termination/entities/session-termination.entity.js';
import { LogoutOrderApplicationEntity } from './domain/logout/orders/entities/logout-order-application.entity.js';
import { LogoutOrderEntity } from './domain/logout/orders/entities/logout-order.entity.js';
import { RateLimitEntity } from './platform/rate-limits/entities/rate-limit.entity.js';
import { SessionClientEntity } from './domain/sessions/entities/session-client.entity.js';
import { SessionUpstreamEntity } from './domain/sessions/entities/session-upstream.entity.js';
import { SessionEntity } from './domain/sessions/entities/session.entity.js';
import { GrantEntity } from './domain/tokens/entities/grant.entity.js';
import { OpaqueAccessTokenEntity } from './domain/tokens/entities/opaque-access-token.entity.js';
import { OldRefreshTokenEntity } from './domain/tokens/entities/old-refresh-token.entity.js';
import { RevokedAccessTokenEntity } from './domain/tokens/entities/revoked-access-token.entity.js';
import { OrganizationEntity } from './domain/upstreams/entities/organization.entity.js';
import { UpstreamAuthenticationEntity } from './domain/upstreams/entities/upstream-authentication.entity.js';
import { UpstreamIdentityEntity } from './domain/upstreams/entities/upstream-identity.entity.js';
import { UpstreamLogoutTokenEntity } from './domain/upstreams/entities/upstream-logout-token.entity.js';
import { UpstreamEntity } from './domain/upstreams/entities/upstream.entity.js';

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
  OldRefreshTokenEntity,
  OpaqueAccessTokenEntity,
  RevokedAccessTokenEntity,
  InteractionEntity,
  PushedRequestEntity,
  ConsentEntity,
  SessionTerminationEntity,
  BackChannelLogoutDeliveryEntity,
  BackChannelLogoutAttemptEntity,
  DeliveredNoticeEntity,
  DeliveryBucketEntity,
  OwedReceiptEntity,
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
