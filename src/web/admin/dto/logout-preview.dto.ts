import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Allow, IsOptional, IsString, IsUUID, MaxLength } from 'class-validator';
import { GRANT_REASONS, NOTICE_REASONS, SESSION_REASONS } from '../../../domain/logout/insight/logout-preview.js';
import type { TerminationCause } from '../../../domain/logout/command/logout.js';
import { OPEN_ENUMS } from '../../../platform/oidc/open-enums.js';

/** One of the members other than `cause` says what would end; `account_id` and `client_id` together, that person at that client. */
export class LogoutPreviewRequestDto {
  @ApiPropertyOptional({ format: 'uuid' })
  @IsOptional()
  @IsUUID()
  readonly session_id?: string;

  /** Everything of this person. */
  @ApiPropertyOptional({ format: 'uuid' })
  @IsOptional()
  @IsUUID()
  readonly account_id?: string;

  /** What this client holds, as when it is deleted. */
  @ApiPropertyOptional({ example: 'ledger' })
  @IsOptional()
  @IsString()
  @MaxLength(255)
  readonly client_id?: string;

  @ApiPropertyOptional({ format: 'uuid' })
  @IsOptional()
  @IsUUID()
  readonly grant_id?: string;

  /** By name: every session that began by way of this provider. */
  @ApiPropertyOptional({ example: 'corporate' })
  @IsOptional()
  @IsString()
  @MaxLength(100)
  readonly upstream?: string;

  /**
   * The session of the browser in which the person signs out: its applications with a front channel are asked there. Left
   * out, it is `session_id` for causes that a person gives in a browser, and none for the others.
   */
  @ApiPropertyOptional({ format: 'uuid' })
  @IsOptional()
  @IsUUID()
  readonly browser_session_id?: string;

  /** It decides whether grants with `offline_access` fall. */
  @ApiProperty({ enum: OPEN_ENUMS.terminationCause, example: 'admin' })
  // Checked by the service, which knows the causes of this application.
  @Allow()
  readonly cause: TerminationCause;
}

export class SessionPreviewDto {
  @ApiProperty({ format: 'uuid' })
  readonly session_id: string;
  @ApiProperty({ format: 'uuid' })
  readonly account_id: string;
  @ApiProperty({ enum: SESSION_REASONS })
  readonly reason: string;
}

export class GrantPreviewDto {
  @ApiProperty({ format: 'uuid' })
  readonly grant_id: string;
  @ApiProperty({ example: 'ledger' })
  readonly client_id: string;
  @ApiProperty({ format: 'uuid' })
  readonly account_id: string;
  @ApiPropertyOptional({ format: 'uuid' })
  readonly session_id?: string;
  @ApiProperty({ enum: GRANT_REASONS })
  readonly reason: string;
}

export class ApplicationPreviewDto {
  @ApiProperty({ example: 'ledger' })
  readonly client_id: string;
  @ApiProperty({ format: 'uuid' })
  readonly session_id: string;
  @ApiProperty({ example: 'n3Zq4yXc8o1Jb0sG5vLr2kTt' })
  readonly sid: string;
  /**
   * `back`: a notice from this service. `front`: a frame on the signed-out page, when the person signs out in a
   * browser.
   */
  @ApiProperty({ enum: ['back', 'front'], isArray: true })
  readonly channels: readonly string[];
  /** Whether it will be notified or asked in the browser, and if neither, why. */
  @ApiProperty({ enum: NOTICE_REASONS })
  readonly reason: string;
}

/** What the logout would do now. Counts end at 100,000; each list has 200 entries at most. */
export class LogoutPreviewDto {
  @ApiProperty({ enum: OPEN_ENUMS.terminationCause })
  readonly cause: string;
  @ApiProperty({ example: 1 })
  readonly sessions: number;
  @ApiProperty({ example: 2 })
  readonly grants_revoked: number;
  @ApiProperty({ example: 2 })
  readonly deliveries: number;
  /** Applications that are asked in the browser, session by session. */
  @ApiProperty({ example: 1 })
  readonly asked: number;
  /** Applications that cannot be notified, session by session. */
  @ApiProperty({ example: 1 })
  readonly not_told: number;
  /**
   * Only there when more than 100,000 of something were found, or would have to be looked at, those that have ended among
   * them: each count says "at least that many" then.
   */
  @ApiPropertyOptional({ enum: [true] })
  readonly more?: true;
  @ApiProperty({ type: [SessionPreviewDto] })
  readonly session_list: SessionPreviewDto[];
  @ApiProperty({ type: [GrantPreviewDto] })
  readonly grant_list: GrantPreviewDto[];
  @ApiProperty({ type: [ApplicationPreviewDto] })
  readonly application_list: ApplicationPreviewDto[];
}
