import { Get, HttpCode, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation } from '@nestjs/swagger';
import type { RecordedAuditEvent } from '../../platform/audit/audit-event.js';
import { AuditLog } from '../../platform/audit/audit-log.js';
import { AdminController } from '../kit/admin-controller.js';
import { ApiJsonErrors } from '../kit/api-errors.js';
import { AuditEventListDto, AuditEventsQueryDto, type AuditEventDto } from './dto/audit.dto.js';
import { toListDto } from './presenters.js';

/** The record of what was done, refused and failed. It can be read and nothing else. */
@AdminController('audit-events', 'audit')
export class AdminAuditController {
  constructor(private readonly audit: AuditLog) {}

  @Get()
  @HttpCode(200)
  @ApiOperation({ summary: 'List audit events', description: 'Newest first, by event and outcome.' })
  @ApiOkResponse({ type: AuditEventListDto })
  @ApiJsonErrors(400)
  async list(@Query() query: AuditEventsQueryDto): Promise<AuditEventListDto> {
    const { limit, cursor, event, outcome } = query;
    return toListDto(await this.audit.list({ limit, cursor, event, outcome }), toAuditEventDto);
  }
}

function toAuditEventDto({ id, at, event, outcome, details }: RecordedAuditEvent): AuditEventDto {
  return { id, at: at.toISOString(), event, outcome, details };
}
