import { Body, Controller, Get, HttpCode, Param, Post, UseFilters, UseGuards, UsePipes } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { isUuid } from '../accounts/accounts.service.js';
import { ApiJsonErrors } from '../http/api-errors.js';
import { JsonErrorFilter } from '../http/json-error.filter.js';
import { StrictJsonPipe } from '../http/parameters.pipe.js';
import { EndpointDoctor } from '../logout/endpoint-doctor.js';
import { LogoutPreviewService } from '../logout/logout-preview.service.js';
import type { LogoutTarget } from '../logout/logout.js';
import { RedeliveryService } from '../logout/redelivery.service.js';
import { InvalidRequestError, NotFoundError } from '../oidc/errors.js';
import { UpstreamsService } from '../upstreams/upstreams.service.js';
import { AdminGuard, OperatorClientId } from './admin.guard.js';
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
    description: 'With a fresh token. 409 when it was delivered, or the client has no `backchannel_logout_uri`.',
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
    description: 'Which sessions, grants and applications it would touch now, and why. Changes nothing.',
  })
  @ApiOkResponse({ type: LogoutPreviewDto })
  @ApiJsonErrors(400, 404)
  async preview(@Body() body: LogoutPreviewRequestDto): Promise<LogoutPreviewDto> {
    return toLogoutPreviewDto(await this.previews.preview(await this.targetOf(body), body.cause));
  }

  private async targetOf(body: LogoutPreviewRequestDto): Promise<LogoutTarget> {
    const { cause: _, ...members } = body;
    const [target, ...more] = Object.entries(members).filter(([, value]) => value !== undefined);
    if (target === undefined || more.length > 0)
      throw new InvalidRequestError(
        'Exactly one of session_id, account_id, client_id, grant_id, upstream is required.',
      );
    const [name, value] = target as [Exclude<keyof LogoutPreviewRequestDto, 'cause'>, string];
    switch (name) {
      case 'session_id':
        return { kind: 'session', sessionId: value };
      case 'account_id':
        return { kind: 'account', accountId: value };
      case 'client_id':
        return { kind: 'client', clientId: value };
      case 'grant_id':
        return { kind: 'grant', grantId: value };
      case 'upstream':
        return { kind: 'upstream', upstreamId: (await this.upstreams.get(value)).id };
    }
  }
}
