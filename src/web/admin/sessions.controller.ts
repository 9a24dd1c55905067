import { Controller, Delete, Get, HttpCode, Param, Query, UseFilters, UseGuards, UsePipes } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { isUuid } from '../../domain/accounts/accounts.service.js';
import { ApiJsonErrors } from '../kit/api-errors.js';
import { JsonErrorFilter } from '../kit/json-error.filter.js';
import { StrictJsonPipe } from '../kit/parameters.pipe.js';
import type { LogoutTarget } from '../../domain/logout/command/logout.js';
import { LogoutService } from '../../domain/logout/command/logout.service.js';
import { NotFoundError } from '../../platform/oidc/errors.js';
import type { SessionWithClients } from '../../domain/sessions/session.js';
import { SessionsService } from '../../domain/sessions/sessions.service.js';
import { AdminGuard, OperatorClientId } from '../kit/admin.guard.js';
import {
  EndSessionsQueryDto,
  LogoutResultDto,
  SessionDto,
  SessionListDto,
  SessionsQueryDto,
} from './dto/logout.dto.js';
import { toListDto, toLogoutResult, toSessionDto } from './presenters.js';

@ApiTags('Admin: sessions')
@ApiBearerAuth('admin')
@Controller('admin/v1/sessions')
@UseGuards(AdminGuard)
@UseFilters(JsonErrorFilter)
@UsePipes(StrictJsonPipe)
@ApiJsonErrors(401, 403)
export class AdminSessionsController {
  constructor(
    private readonly sessions: SessionsService,
    private readonly logoutService: LogoutService,
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
  async read(@Param('id') id: string): Promise<SessionDto> {
    return toSessionDto(await this.get(id));
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
  async end(@Param('id') id: string, @OperatorClientId() operator: string): Promise<LogoutResultDto> {
    const session = await this.get(id);
    return this.logout({ kind: 'session', sessionId: session.id }, operator);
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
    return this.logout({ kind: 'account', accountId: query.account_id }, operator);
  }

  private async logout(target: LogoutTarget, operator: string): Promise<LogoutResultDto> {
    return toLogoutResult(
      await this.logoutService.logout({ target, cause: 'admin', initiator: { kind: 'operator', clientId: operator } }),
    );
  }

  private async get(id: string): Promise<SessionWithClients> {
    const session = isUuid(id) ? await this.sessions.find(id) : undefined;
    if (session === undefined) throw new NotFoundError('There is no such session.');
    return session;
  }
}
