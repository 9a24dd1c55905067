import type { EndpointReport } from '../../domain/logout/insight/endpoint-examiner.js';
import type { LogoutPreview } from '../../domain/logout/insight/logout-preview.js';
import type { ClientDeliveries } from '../../domain/logout/insight/client-deliveries.service.js';
import type { ClientDeliveriesDto } from './dto/deliveries.dto.js';
import type { LogoutCheckDto } from './dto/logout-check.dto.js';
import type { LogoutPreviewDto } from './dto/logout-preview.dto.js';
import { withoutNull } from './presenters.js';

export function toClientDeliveriesDto(clientId: string, { breaker, counts }: ClientDeliveries): ClientDeliveriesDto {
  return withoutNull({
    client_id: clientId,
    breaker: withoutNull({
      state: breaker.openedAt === undefined ? ('closed' as const) : ('open' as const),
      failures: breaker.failures,
      opened_at: breaker.openedAt?.toISOString(),
      next_probe_at: breaker.nextProbeAt?.toISOString(),
      last_error: breaker.lastError,
    }),
    pending: counts.pending,
    rejected: counts.rejected,
    abandoned: counts.abandoned,
    oldest_pending_at: counts.oldestPendingAt?.toISOString(),
  });
}

export function toLogoutCheckDto(report: EndpointReport): LogoutCheckDto {
  return withoutNull({
    client_id: report.clientId,
    backchannel_logout_uri: report.uri,
    healthy: report.healthy,
    findings: [...report.findings],
    probes: report.probes.map((probe) =>
      withoutNull({
        token: probe.token,
        status: probe.status,
        error_code: probe.errorCode,
        duration_ms: probe.durationMs,
      }),
    ),
    checked_at: report.checkedAt.toISOString(),
  });
}

export function toLogoutPreviewDto(preview: LogoutPreview): LogoutPreviewDto {
  return {
    cause: preview.cause,
    sessions: preview.sessions,
    grants_revoked: preview.grantsRevoked,
    deliveries: preview.deliveries,
    asked: preview.asked,
    not_told: preview.notNotified,
    ...(preview.more ? { more: true } : {}),
    session_list: preview.sessionList.map(({ sessionId, accountId, reason }) => ({
      session_id: sessionId,
      account_id: accountId,
      reason,
    })),
    grant_list: preview.grantList.map(({ grantId, clientId, accountId, sessionId, reason }) =>
      withoutNull({
        grant_id: grantId,
        client_id: clientId,
        account_id: accountId,
        session_id: sessionId,
        reason,
      }),
    ),
    application_list: preview.applicationList.map(({ clientId, sessionId, sid, channels, reason }) => ({
      client_id: clientId,
      session_id: sessionId,
      sid,
      channels,
      reason,
    })),
  };
}
