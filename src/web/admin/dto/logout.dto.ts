import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsISO8601, IsOptional, IsString, IsUUID, MaxLength } from 'class-validator';
import { DELIVERY_STATES } from '../../../domain/logout/notices/delivery.js';
import type { LogoutInitiator } from '../../../domain/logout/command/logout.js';
import { OPEN_ENUMS } from '../../../platform/oidc/open-enums.js';
import { NOT_NOTIFIED_REASONS, STATES_WITHOUT_NOTICE } from '../../../domain/logout/termination/without-notice.js';
import { UuidPageQueryDto } from './common.dto.js';

/**
 * What was ended. Of an application or a provider with more sessions than one statement should end, everything is dead when
 * this is answered, and `order_id` is that of the logout order by which records and notices follow: nothing has been counted yet.
 */
export class LogoutResultDto {
  /** Where it can be looked up; absent when there was nothing to end, or an order ends it. */
  @ApiPropertyOptional({ format: 'uuid' })
  readonly termination_id?: string;
  /** The logout order whose progress says what is on record so far (`/admin/v1/logout-orders/{id}`). */
  @ApiPropertyOptional({ format: 'uuid' })
  readonly order_id?: string;
  /** Null with `order_id`. */
  @ApiProperty({ type: Number, nullable: true, example: 2 })
  readonly sessions: number | null;
  /** Null with `order_id`. */
  @ApiProperty({ type: Number, nullable: true, example: 3 })
  readonly grants_revoked: number | null;
  /** Applications that are being notified. Null with `order_id`. */
  @ApiProperty({ type: Number, nullable: true, example: 3 })
  readonly deliveries: number | null;
  /**
   * Applications that cannot be notified; the termination says which, and why. Absent when there was nothing to end, or
   * an order ends it.
   */
  @ApiPropertyOptional({ example: 1 })
  readonly not_told?: number;
}

export class SessionsQueryDto extends UuidPageQueryDto {
  @ApiPropertyOptional({ format: 'uuid' })
  @IsOptional()
  @IsUUID()
  readonly account_id?: string;

  /** Only sessions that this client takes part in. */
  @ApiPropertyOptional({ example: 'ledger' })
  @IsOptional()
  @IsString()
  @MaxLength(255)
  readonly client_id?: string;

  /** `live` (default), or `all` with those that ended in the last month. */
  @ApiPropertyOptional({ enum: ['live', 'all'], default: 'live' })
  @IsOptional()
  @IsIn(['live', 'all'])
  readonly state?: 'live' | 'all';
}

export class SessionClientDto {
  @ApiProperty({ example: 'ledger' })
  readonly client_id: string;
  /** The session as this client knows it. */
  @ApiProperty({ example: 'n3Zq4yXc8o1Jb0sG5vLr2kTt' })
  readonly sid: string;
  @ApiProperty({ format: 'date-time' })
  readonly joined_at: string;
}

export class SessionDto {
  @ApiProperty({ format: 'uuid' })
  readonly id: string;
  @ApiProperty({ format: 'uuid' })
  readonly account_id: string;
  @ApiProperty({ format: 'date-time' })
  readonly authenticated_at: string;
  @ApiProperty({ format: 'date-time' })
  readonly last_seen_at: string;
  @ApiProperty({ format: 'date-time' })
  readonly expires_at: string;
  @ApiPropertyOptional({ example: '203.0.113.7' })
  readonly address?: string;
  @ApiPropertyOptional()
  readonly user_agent?: string;
  @ApiPropertyOptional({ format: 'date-time' })
  readonly terminated_at?: string;
  @ApiPropertyOptional({ format: 'uuid' })
  readonly termination_id?: string;
  /** Applications that take part. */
  @ApiProperty({ type: [SessionClientDto] })
  readonly clients: SessionClientDto[];
}

export class SessionListDto {
  @ApiProperty({ type: [SessionDto] })
  readonly items: SessionDto[];
  /**
   * There may be more. Of a client or of all, a page can be short, or empty, and have one: many that have ended were passed
   * by.
   */
  @ApiPropertyOptional({ format: 'uuid' })
  readonly next_cursor?: string;
}

export class EndSessionsQueryDto {
  /** Everything of this person ends, offline grants too. */
  @ApiProperty({ format: 'uuid' })
  @IsUUID()
  readonly account_id: string;
}

export class TerminationsQueryDto extends UuidPageQueryDto {
  @ApiPropertyOptional({ format: 'uuid' })
  @IsOptional()
  @IsUUID()
  readonly account_id?: string;

  @ApiPropertyOptional({ enum: OPEN_ENUMS.terminationCause })
  @IsOptional()
  @IsString()
  readonly cause?: string;
}

/** Who asked for it. `system`: the service itself, by a rule. */
export class InitiatorDto {
  @ApiProperty({ enum: ['user', 'client', 'operator', 'upstream', 'system'] })
  readonly kind: LogoutInitiator['kind'];
  /** Of a `user`. */
  @ApiPropertyOptional({ format: 'uuid' })
  readonly account_id?: string;
  /** Of a `client` or an `operator`; of a `user`, the application at which they asked. */
  @ApiPropertyOptional({ example: 'ledger' })
  readonly client_id?: string;
  /** The logout order of an `operator`, if it was one. */
  @ApiPropertyOptional({ format: 'uuid' })
  readonly order_id?: string;
  /** Of an `upstream`. */
  @ApiPropertyOptional({ example: 'https://login.example.org' })
  readonly issuer?: string;
}

/** An application that took part and gets no notice. */
export class WithoutNoticeDto {
  @ApiProperty({ example: 'ledger' })
  readonly client_id: string;
  /** `asked`: by a frame in the browser, which cannot say what came of it. `not_told`: it cannot be notified. */
  @ApiProperty({ enum: STATES_WITHOUT_NOTICE, example: 'not_told' })
  readonly state: string;
  /**
   * Why it cannot be notified. `no_backchannel_uri`: it registered neither a back-channel nor a front-channel logout
   * URI. `browser_absent`: only a front-channel one, and none of our pages was shown in that session's browser.
   * `cause_not_wanted`: it is registered for other causes. `client_deleted`: it was deleted before. `is_the_sender`: it
   * ordered this logout itself. `frontchannel_uri_refused`: its front-channel URI is one that is not loaded.
   */
  @ApiPropertyOptional({ enum: NOT_NOTIFIED_REASONS, example: 'no_backchannel_uri' })
  readonly reason?: string;
  /** In how many of the sessions. */
  @ApiProperty({ example: 1 })
  readonly sessions: number;
}

export class TerminationDto {
  @ApiProperty({ format: 'uuid' })
  readonly id: string;
  @ApiProperty({ enum: OPEN_ENUMS.terminationCause })
  readonly cause: string;
  /** Who asked for it. */
  @ApiProperty({ type: InitiatorDto })
  readonly initiator: InitiatorDto;
  @ApiPropertyOptional({ format: 'uuid' })
  readonly account_id?: string;
  @ApiProperty({ example: 1 })
  readonly sessions: number;
  @ApiProperty({ example: 2 })
  readonly grants_revoked: number;
  /** Notices to applications. */
  @ApiProperty({ example: 2 })
  readonly deliveries: number;
  /** In how many sessions an application was asked in the browser: what came of it cannot be known. */
  @ApiProperty({ example: 1 })
  readonly asked: number;
  /** In how many sessions an application cannot be notified. */
  @ApiProperty({ example: 1 })
  readonly not_told: number;
  @ApiProperty({ format: 'date-time' })
  readonly occurred_at: string;
}

export class TerminationListDto {
  @ApiProperty({ type: [TerminationDto] })
  readonly items: TerminationDto[];
  @ApiPropertyOptional({ format: 'uuid' })
  readonly next_cursor?: string;
}

export class DeliveriesQueryDto extends UuidPageQueryDto {
  @ApiPropertyOptional({ enum: DELIVERY_STATES })
  @IsOptional()
  @IsIn(DELIVERY_STATES)
  readonly state?: string;

  @ApiPropertyOptional({ example: 'ledger' })
  @IsOptional()
  @IsString()
  @MaxLength(255)
  readonly client_id?: string;

  @ApiPropertyOptional({ format: 'uuid' })
  @IsOptional()
  @IsUUID()
  readonly termination_id?: string;

  /** Of the last attempt. */
  @ApiPropertyOptional({ example: 'timeout' })
  @IsOptional()
  @IsString()
  @MaxLength(100)
  readonly error_code?: string;

  @ApiPropertyOptional({ format: 'date-time' })
  @IsOptional()
  @IsISO8601({ strict: true })
  readonly created_after?: string;

  @ApiPropertyOptional({ format: 'date-time' })
  @IsOptional()
  @IsISO8601({ strict: true })
  readonly created_before?: string;
}

export class DeliveryDto {
  @ApiProperty({ format: 'uuid' })
  readonly id: string;
  @ApiProperty({ format: 'uuid' })
  readonly termination_id: string;
  @ApiProperty({ example: 'ledger' })
  readonly client_id: string;
  @ApiProperty({ format: 'uuid' })
  readonly sub: string;
  @ApiPropertyOptional({ example: 'n3Zq4yXc8o1Jb0sG5vLr2kTt' })
  readonly sid?: string;
  @ApiProperty({ enum: DELIVERY_STATES })
  readonly state: string;
  @ApiProperty({ example: 1 })
  readonly attempts: number;
  /** While it is pending. */
  @ApiPropertyOptional({ format: 'date-time' })
  readonly next_attempt_at?: string;
  @ApiProperty({ format: 'date-time' })
  readonly created_at: string;
  @ApiPropertyOptional({ format: 'date-time' })
  readonly finished_at?: string;
  /** When an operator last ordered it to be sent again. */
  @ApiPropertyOptional({ format: 'date-time' })
  readonly resent_at?: string;
  /** A stable code of the last failure. */
  @ApiPropertyOptional({ example: 'timeout' })
  readonly last_error?: string;
}

export class DeliveryListDto {
  @ApiProperty({ type: [DeliveryDto] })
  readonly items: DeliveryDto[];
  @ApiPropertyOptional({ format: 'uuid' })
  readonly next_cursor?: string;
}

export class AttemptDto {
  @ApiProperty({ example: 1 })
  readonly number: number;
  /** Of the token that was sent; each attempt has its own. */
  @ApiProperty({ format: 'uuid' })
  readonly jti: string;
  @ApiProperty({ format: 'date-time' })
  readonly started_at: string;
  @ApiProperty({ example: 41 })
  readonly duration_ms: number;
  /** HTTP status of the answer, if there was one. */
  @ApiPropertyOptional({ example: 200 })
  readonly status?: number;
  @ApiPropertyOptional({ example: 'timeout' })
  readonly error_code?: string;
}

export class DeliveryDetailDto extends DeliveryDto {
  @ApiProperty({ type: [AttemptDto] })
  readonly attempt_log: AttemptDto[];
}

export class TerminationDetailDto extends TerminationDto {
  @ApiProperty({ type: [DeliveryDto] })
  readonly delivery_list: DeliveryDto[];
  /** Those that took part and get no notice. */
  @ApiProperty({ type: [WithoutNoticeDto] })
  readonly without_notice_list: WithoutNoticeDto[];
}
