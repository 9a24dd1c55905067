import { Body, Get, HttpCode, Param, Post } from '@nestjs/common';
import { ApiOkResponse, ApiOperation } from '@nestjs/swagger';
import { OperatorLogout } from '../../domain/lifecycle/operator-logout.service.js';
import { UuidParam } from '../kit/uuid-param.js';
import { AdminController } from '../kit/admin-controller.js';
import { ApiJsonErrors } from '../kit/api-errors.js';
import { ClientDeliveriesService } from '../../domain/logout/insight/client-deliveries.service.js';
import { EndpointDoctor } from '../../domain/logout/insight/endpoint-doctor.js';
import { RedeliveryService } from '../../domain/logout/notices/redelivery.service.js';
import { OperatorClientId } from '../kit/admin.guard.js';
import { toClientDeliveriesDto, toLogoutCheckDto, toLogoutPreviewDto } from './delivery.presenters.js';
import { ClientDeliveriesDto, ResendDto, ResentDto } from './dto/deliveries.dto.js';
import { LogoutCheckDto } from './dto/logout-check.dto.js';
import { LogoutPreviewDto, LogoutPreviewRequestDto } from './dto/logout-preview.dto.js';
import { DeliveryDto } from './dto/logout.dto.js';
import { toDate, toDeliveryDto } from './presenters.js';

/** What operators do about notices: send again, look at an application, try its endpoint, ask what would happen. */
@AdminController('', 'logouts')
export class AdminDeliveriesController {
  constructor(
    private readonly redelivery: RedeliveryService,
    private readonly deliveries: ClientDeliveriesService,
    private readonly doctor: EndpointDoctor,
    private readonly logout: OperatorLogout,
  ) {}

  @Post('deliveries/resend')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Send deliveries again',
    description:
      'All that fit and were not delivered, each with a fresh token, up to 10,000, the newest first; with `more` there are older ones. Attempts are counted on; the maximum age counts from now.',
  })
  @ApiOkResponse({ type: ResentDto })
  @ApiJsonErrors(400)
  async resendAll(@Body() body: ResendDto, @OperatorClientId() operator: string): Promise<ResentDto> {
    const { resent, more } = await this.redelivery.resendAll(
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
    return { resent, ...(more ? { more } : {}) };
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
  async resend(@UuidParam('id', 'delivery') id: string, @OperatorClientId() operator: string): Promise<DeliveryDto> {
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
    return toClientDeliveriesDto(clientId, await this.deliveries.ofClient(clientId));
  }

  @Post('clients/:client_id/logout-check')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Try the back-channel logout endpoint of a client',
    description:
      'Sends a genuine logout token for a session that does not exist, then one with a wrong signature, and says in words what came back. Signs no one out.',
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
    const { session_id: sessionId, account_id: accountId, client_id: clientId, grant_id: grantId, upstream } = body;
    return toLogoutPreviewDto(
      await this.logout.preview({
        target: { sessionId, accountId, clientId, grantId, upstream },
        cause: body.cause,
        browserSessionId: body.browser_session_id,
      }),
    );
  }
}
