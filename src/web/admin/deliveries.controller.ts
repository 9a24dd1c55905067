import { Body, Controller, Get, HttpCode, Param, Post, UseFilters, UseGuards, UsePipes } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { AccountsService, isUuid } from '../../domain/accounts/accounts.service.js';
import { ClientsService } from '../../domain/clients/clients.service.js';
import { ApiJsonErrors } from '../kit/api-errors.js';
import { JsonErrorFilter } from '../kit/json-error.filter.js';
import { StrictJsonPipe } from '../kit/parameters.pipe.js';
import { EndpointDoctor } from '../../domain/logout/insight/endpoint-doctor.js';
import { isGivenInBrowser } from '../../domain/logout/command/logout-policy.js';
import { LogoutPreviewService } from '../../domain/logout/insight/logout-preview.service.js';
import type { LogoutTarget } from '../../domain/logout/command/logout.js';
import { RedeliveryService } from '../../domain/logout/notices/redelivery.service.js';
import { InvalidRequestError, NotFoundError } from '../../platform/oidc/errors.js';
import { UpstreamsService } from '../../domain/upstreams/upstreams.service.js';
import { AdminGuard, OperatorClientId } from '../kit/admin.guard.js';
import { toClientDeliveriesDto, toLogoutCheckDto, toLogoutPreviewDto } from './delivery.presenters.js';
import { ClientDeliveriesDto, ResendDto, ResentDto } from './dto/deliveries.dto.js';
import { LogoutCheckDto } from './dto/logout-check.dto.js';
import { LogoutPreviewDto, LogoutPreviewRequestDto } from './dto/logout-preview.dto.js';
import { DeliveryDto } from './dto/logout.dto.js';
import { toDate, toDeliveryDto } from './presenters.js';

/** What operators do about notices: send again, look at an application, try its endpoint, ask what would happen. */
@ApiTags('Admin: logouts')
@ApiBearerAuth('admin')
@Controller('admin/v1')
@UseGuards(AdminGuard)
@UseFilters(JsonErrorFilter)
@UsePipes(StrictJsonPipe)
@ApiJsonErrors(401, 403)
export class AdminDeliveriesController {
  constructor(
    private readonly redelivery: RedeliveryService,
    private readonly doctor: EndpointDoctor,
    private readonly previews: LogoutPreviewService,
    private readonly accounts: AccountsService,
    private readonly clients: ClientsService,
    private readonly upstreams: UpstreamsService,
  ) {}

  @Post('deliveries/resend')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Send deliveries again',
    description:
      'All that fit and were not delivered, each with a fresh token. Attempts are counted on; the maximum age counts from now.',
  })
  @ApiOkResponse({ type: ResentDto })
  @ApiJsonErrors(400)
  async resendAll(@Body() body: ResendDto, @OperatorClientId() operator: string): Promise<ResentDto> {
    const resent = await this.redelivery.resendAll(
      {
        ids: body.ids,
        clientId: body.client_id,
        terminationId: body.termination_id,
        state: body.state,
        errorCode: body.error_code,
        createdAfter: toDate(body.created_after),
        createdBefore: toDate(body.created_before),
      },
      operator,
    );
    return { resent };
  }

  @Post('deliveries/:id/resend')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Send a delivery again',
    description:
      'With a fresh token; attempts are counted on, and its maximum age counts from now. One that is being sent at this moment stays as it is. 409 when it was delivered, or the client has no `backchannel_logout_uri`.',
  })
  @ApiOkResponse({ type: DeliveryDto })
  @ApiJsonErrors(404, 409)
  async resend(@Param('id') id: string, @OperatorClientId() operator: string): Promise<DeliveryDto> {
    if (!isUuid(id)) throw new NotFoundError('There is no such delivery.');
    return toDeliveryDto(await this.redelivery.resend(id, operator));
  }

  @Get('clients/:client_id/deliveries-state')
  @HttpCode(200)
  @ApiOperation({
    summary: 'How it stands with the deliveries of a client',
    description: 'Its circuit breaker, and how many notices it has not accepted.',
  })
  @ApiOkResponse({ type: ClientDeliveriesDto })
  @ApiJsonErrors(404)
  async stateOf(@Param('client_id') clientId: string): Promise<ClientDeliveriesDto> {
    return toClientDeliveriesDto(clientId, await this.redelivery.ofClient(clientId));
  }

  @Post('clients/:client_id/logout-check')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Try the back-channel logout endpoint of a client',
    description:
      'Sends a genuine logout token for a session that does not exist, then one with a wrong signature, and says in words what came back. Signs nobody out.',
  })
  @ApiOkResponse({ type: LogoutCheckDto })
  @ApiJsonErrors(404, 409, 429)
  async check(@Param('client_id') clientId: string, @OperatorClientId() operator: string): Promise<LogoutCheckDto> {
    return toLogoutCheckDto(await this.doctor.check(clientId, operator));
  }

  @Post('logout-preview')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Preview a logout',
    description:
      'Which sessions, grants and applications it would touch now, by what channels, and why or why not. Changes nothing.',
  })
  @ApiOkResponse({ type: LogoutPreviewDto })
  @ApiJsonErrors(400, 404)
  async preview(@Body() body: LogoutPreviewRequestDto): Promise<LogoutPreviewDto> {
    const target = await this.targetOf(body);
    const preview = await this.previews.preview(target, body.cause, await this.whoActs(body));
    // What is over already is in the lists, by that reason. What was never there must not look like something without effect.
    if (target.kind === 'session' && preview.sessionList.length === 0)
      throw new NotFoundError('There is no such session.');
    if (target.kind === 'grant' && preview.grantList.length === 0) throw new NotFoundError('There is no such grant.');
    return toLogoutPreviewDto(preview);
  }

  private async whoActs(
    body: LogoutPreviewRequestDto,
  ): Promise<{ readonly browserSessionId?: string | undefined; readonly senderClientId?: string | undefined }> {
    const { cause, session_id: sessionId, browser_session_id: browserSessionId, upstream } = body;
    const ordered = cause === 'upstream_logout' && upstream !== undefined;
    return {
      browserSessionId: browserSessionId ?? (isGivenInBrowser(cause) ? sessionId : undefined),
      senderClientId: ordered ? (await this.upstreams.get(upstream)).peerClientId : undefined,
    };
  }

  private async targetOf(body: LogoutPreviewRequestDto): Promise<LogoutTarget> {
    const { cause: _cause, browser_session_id: _browser, ...members } = body;
    const [target, ...more] = Object.entries(members).filter(([, value]) => value !== undefined);
    const { account_id: accountId, client_id: clientId } = members;
    if (accountId !== undefined && clientId !== undefined && more.length === 1)
      return {
        kind: 'account-client',
        accountId: (await this.accounts.get(accountId)).id,
        clientId: (await this.clients.get(clientId)).clientId,
      };
    if (target === undefined || more.length > 0)
      throw new InvalidRequestError(
        'Exactly one of session_id, account_id, client_id, grant_id, upstream is required, or account_id with client_id.',
      );
    const [name, value] = target as [Exclude<keyof LogoutPreviewRequestDto, 'cause' | 'browser_session_id'>, string];
    switch (name) {
      case 'session_id':
        return { kind: 'session', sessionId: value };
      case 'account_id':
        return { kind: 'account', accountId: (await this.accounts.get(value)).id };
      case 'client_id':
        return { kind: 'client', clientId: (await this.clients.get(value)).clientId };
      case 'grant_id':
        return { kind: 'grant', grantId: value };
      case 'upstream':
        return { kind: 'upstream', upstreamId: (await this.upstreams.get(value)).id };
    }
  }
}
