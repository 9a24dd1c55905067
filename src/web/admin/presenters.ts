import type { Attempt, Delivery } from '../../domain/logout/notices/delivery.js';
import type { LogoutInitiator, LogoutOutcome, OrderedLogout } from '../../domain/logout/command/logout.js';
import type { Termination } from '../../domain/logout/termination/termination.js';
import { countWithoutNotice } from '../../domain/logout/termination/without-notice.js';
import type { SessionWithClients } from '../../domain/sessions/session.js';
import type {
  AttemptDto,
  DeliveryDto,
  InitiatorDto,
  LogoutResultDto,
  SessionDto,
  TerminationDto,
} from './dto/logout.dto.js';

export function toLogoutResult(outcome: LogoutOutcome | OrderedLogout): LogoutResultDto {
  if (outcome.kind === 'nothing_to_end') return { sessions: 0, grants_revoked: 0, deliveries: 0 };
  if (outcome.kind === 'ordered')
    return { order_id: outcome.orderId, sessions: null, grants_revoked: null, deliveries: null };
  return {
    termination_id: outcome.terminationId,
    sessions: outcome.sessions,
    grants_revoked: outcome.grantsRevoked,
    deliveries: outcome.deliveries,
    not_told: countWithoutNotice(outcome.withoutNotice, 'not_told'),
  };
}

export function toSessionDto(session: SessionWithClients): SessionDto {
  return withoutNull({
    id: session.id,
    account_id: session.accountId,
    authenticated_at: session.authenticatedAt.toISOString(),
    last_seen_at: session.lastSeenAt.toISOString(),
    expires_at: session.expiresAt.toISOString(),
    address: session.address,
    user_agent: session.userAgent,
    terminated_at: session.terminatedAt?.toISOString(),
    termination_id: session.terminationId,
    clients: session.clients.map((client) => ({
      client_id: client.clientId,
      sid: client.sid,
      joined_at: client.joinedAt.toISOString(),
    })),
  });
}

export function toTerminationDto(termination: Termination): TerminationDto {
  return withoutNull({
    id: termination.id,
    cause: termination.cause,
    initiator: toInitiatorDto(termination.initiator),
    account_id: termination.accountId,
    sessions: termination.sessions,
    grants_revoked: termination.grantsRevoked,
    deliveries: termination.deliveries,
    asked: countWithoutNotice(termination.withoutNotice, 'asked'),
    not_told: countWithoutNotice(termination.withoutNotice, 'not_told'),
    occurred_at: termination.occurredAt.toISOString(),
  });
}

/** Stored in our words, shown in those of the API. */
function toInitiatorDto(initiator: LogoutInitiator): InitiatorDto {
  switch (initiator.kind) {
    case 'user':
      return withoutNull({
        kind: initiator.kind,
        account_id: initiator.accountId,
        client_id: initiator.clientId,
      });
    case 'client':
      return { kind: initiator.kind, client_id: initiator.clientId };
    case 'operator':
      return withoutNull({ kind: initiator.kind, client_id: initiator.clientId, order_id: initiator.orderId });
    case 'upstream':
      return { kind: initiator.kind, issuer: initiator.issuer };
    case 'system':
      return { kind: initiator.kind };
  }
}

export function toDeliveryDto(delivery: Delivery): DeliveryDto {
  return withoutNull({
    id: delivery.id,
    termination_id: delivery.terminationId,
    client_id: delivery.clientId,
    sub: delivery.sub,
    sid: delivery.sid,
    state: delivery.state,
    attempts: delivery.attempts,
    next_attempt_at: delivery.nextAttemptAt?.toISOString(),
    created_at: delivery.createdAt.toISOString(),
    finished_at: delivery.finishedAt?.toISOString(),
    resent_at: delivery.resentAt?.toISOString(),
    last_error: delivery.lastError,
  });
}

export function toAttemptDto(attempt: Attempt): AttemptDto {
  return withoutNull({
    number: attempt.number,
    jti: attempt.jti,
    started_at: attempt.startedAt.toISOString(),
    duration_ms: attempt.durationMs,
    status: attempt.status,
    error_code: attempt.errorCode,
  });
}

type WithoutNull<T> = { [Key in keyof T]: Exclude<T[Key], null | undefined> };

/** Leaves members without a value out of an answer. */
export function withoutNull<T extends object>(value: T): WithoutNull<T> {
  return Object.fromEntries(
    Object.entries(value).filter(([, member]) => member !== null && member !== undefined),
  ) as WithoutNull<T>;
}

export function toListDto<T, D>(
  page: { readonly items: readonly T[]; readonly nextCursor: string | undefined },
  toDto: (item: T) => D,
): { items: D[]; next_cursor?: string } {
  return { items: page.items.map(toDto), ...(page.nextCursor === undefined ? {} : { next_cursor: page.nextCursor }) };
}

export function toDate(text: string | undefined): Date | undefined {
  return text === undefined ? undefined : new Date(text);
}
