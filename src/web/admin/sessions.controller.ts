import { Delete, Get, HttpCode, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation } from '@nestjs/swagger';
import { existing } from '../../platform/oidc/errors.js';
import { OperatorLogout } from '../../domain/lifecycle/operator-logout.service.js';
import { UuidParam } from '../kit/uuid-param.js';
import { AdminController } from '../kit/admin-controller.js';
import { ApiJsonErrors } from '../kit/api-errors.js';
import { SessionList } from '../../domain/sessions/session-list.js';
import { OperatorClientId } from '../kit/admin.guard.js';
import {
  EndSessionsQueryDto,
  LogoutResultDto,
  SessionDto,
  SessionListDto,
  SessionsQueryDto,
} from './dto/logout.dto.js';
import { toListDto, toLogoutResult, toSessionDto } from './presenters.js';

@AdminController('sessions', 'sessions')
export class AdminSessionsController {
  constructor(
    private readonly sessions: SessionList,
    private readonly logout: OperatorLogout,
  ) {}

  @Get()
  @HttpCode(200)
  @ApiOperation({
    summary: 'List sessions',
    description: 'Newest first, by account and by client, each with its applications.',
  })
  @ApiOkResponse({ type: SessionListDto })
  @ApiJsonErrors(400)
  async list(@Query() query: SessionsQueryDto): Promise<SessionListDto> {
    const page = await this.sessions.list({
      limit: query.limit,
      cursor: query.cursor,
      accountId: query.account_id,
      clientId: query.client_id,
      includeEnded: query.state === 'all',
    });
    return toListDto(page, toSessionDto);
  }

  @Get(':id')
  @HttpCode(200)
  @ApiOperation({ summary: 'Read a session with its applications' })
  @ApiOkResponse({ type: SessionDto })
  @ApiJsonErrors(404)
  async read(@UuidParam('id', 'session') id: string): Promise<SessionDto> {
    return toSessionDto(existing(await this.sessions.find(id), 'session'));
  }

  @Delete(':id')
  @HttpCode(200)
  @ApiOperation({
    summary: 'End a session',
    description:
      'Revokes its grants without `offline_access` and tells its applications. Ending one that has ended is no error.',
  })
  @ApiOkResponse({ type: LogoutResultDto })
  @ApiJsonErrors(404)
  async end(@UuidParam('id', 'session') id: string, @OperatorClientId() operator: string): Promise<LogoutResultDto> {
    return toLogoutResult(await this.logout.endSession(id, operator));
  }

  @Delete()
  @HttpCode(200)
  @ApiOperation({
    summary: 'End everything of one person',
    description: 'Every session and every grant, offline ones too.',
  })
  @ApiOkResponse({ type: LogoutResultDto })
  @ApiJsonErrors(400)
  async endAll(@Query() query: EndSessionsQueryDto, @OperatorClientId() operator: string): Promise<LogoutResultDto> {
    return toLogoutResult(await this.logout.endEverythingOf(query.account_id, operator));
  }
}
