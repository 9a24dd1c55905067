import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional } from 'class-validator';
import {
  AUDIT_EVENT_NAMES,
  AUDIT_OUTCOMES,
  type AuditDetails,
  type AuditEventName,
  type AuditOutcome,
} from '../../../platform/audit/audit-event.js';
import { UuidPageQueryDto } from './common.dto.js';

export class AuditEventsQueryDto extends UuidPageQueryDto {
  /** Only events of this name. */
  @ApiPropertyOptional({ enum: AUDIT_EVENT_NAMES })
  @IsOptional()
  @IsIn(AUDIT_EVENT_NAMES)
  readonly event?: AuditEventName;

  /** Only events that ended so. */
  @ApiPropertyOptional({ enum: AUDIT_OUTCOMES })
  @IsOptional()
  @IsIn(AUDIT_OUTCOMES)
  readonly outcome?: AuditOutcome;
}

export class AuditEventDto {
  @ApiProperty({ format: 'uuid', example: '0197f4a2-7c1e-7c3b-9a51-0b8e4b7a8a10' })
  readonly id: string;
  @ApiProperty({ format: 'date-time', example: '2026-03-01T12:00:00.000Z' })
  readonly at: string;
  @ApiProperty({ enum: AUDIT_EVENT_NAMES, example: 'upstream_logout' })
  readonly event: string;
  /** `refused`: the request was wrong. `failed`: it was right, and we could not do it. */
  @ApiProperty({ enum: AUDIT_OUTCOMES, example: 'done' })
  readonly outcome: string;
  /** Identifiers, counts and reason codes; which, depends on the event. */
  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    example: { issuer: 'https://login.example.org', sessions: 1 },
  })
  readonly details: AuditDetails;
}

export class AuditEventListDto {
  @ApiProperty({ type: [AuditEventDto] })
  readonly items: AuditEventDto[];
  @ApiPropertyOptional({ format: 'uuid' })
  readonly next_cursor?: string;
}
