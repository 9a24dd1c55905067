import { Body, Get, Headers, HttpCode, Post, Query } from '@nestjs/common';
import { ApiCreatedResponse, ApiHeader, ApiOkResponse, ApiOperation } from '@nestjs/swagger';
import { OperatorLogout } from '../../domain/lifecycle/operator-logout.service.js';
import { UuidParam } from '../kit/uuid-param.js';
import { AdminController } from '../kit/admin-controller.js';
import { ApiJsonErrors } from '../kit/api-errors.js';
import type { LogoutOrder, OrderTarget } from '../../domain/logout/orders/logout-order.js';
import { LogoutOrdersService, type OrderProgress } from '../../domain/logout/orders/logout-orders.service.js';
import { InvalidRequestError } from '../../platform/oidc/errors.js';
import { OperatorClientId } from '../kit/admin.guard.js';
import { UuidPageQueryDto } from './dto/common.dto.js';
import {
  CreateLogoutOrderDto,
  LogoutOrderDetailDto,
  LogoutOrderDto,
  LogoutOrderListDto,
} from './dto/logout-orders.dto.js';
import { toListDto } from './presenters.js';

/** Orders to end any number of sessions at once, for operators. */
@AdminController('logout-orders', 'logouts')
export class AdminLogoutOrdersController {
  constructor(
    private readonly orders: LogoutOrdersService,
    private readonly logout: OperatorLogout,
  ) {}

  @Post()
  @HttpCode(201)
  @ApiOperation({
    summary: 'End every session of a person, a client, an upstream, or everyone',
    description:
      'When it answers, every matching session, refresh token, access token and code that began before is dead on every node, however many there are. Records and notices to applications follow in the background, at a rate per application. What begins afterwards lives. Tokens that clients got for themselves go on.',
  })
  @ApiHeader({
    name: 'Idempotency-Key',
    description: 'The same key by the same operator is the same order: a repetition is answered with it.',
    required: false,
    schema: { type: 'string', maxLength: 255 },
  })
  @ApiCreatedResponse({ type: LogoutOrderDto })
  @ApiJsonErrors(400, 404, 409)
  async place(
    @Body() body: CreateLogoutOrderDto,
    @Headers('idempotency-key') key: string | undefined,
    @OperatorClientId() operator: string,
  ): Promise<LogoutOrderDto> {
    const { account_id: accountId, client_id: clientId, upstream, everyone } = body;
    const order = await this.logout.placeOrder(
      { accountId, clientId, upstream, everyone },
      { reason: body.reason, notifyPerSecond: body.notify_per_second, operator, idempotencyKey: checkedKey(key) },
    );
    return toOrderDto(order);
  }

  @Get()
  @HttpCode(200)
  @ApiOperation({ summary: 'List logout orders', description: 'Newest first.' })
  @ApiOkResponse({ type: LogoutOrderListDto })
  @ApiJsonErrors(400)
  async list(@Query() query: UuidPageQueryDto): Promise<LogoutOrderListDto> {
    return toListDto(await this.orders.list({ limit: query.limit, cursor: query.cursor }), toOrderDto);
  }

  @Get(':id')
  @HttpCode(200)
  @ApiOperation({ summary: 'Read a logout order and its progress' })
  @ApiOkResponse({ type: LogoutOrderDetailDto })
  @ApiJsonErrors(404)
  async read(@UuidParam('id', 'logout order') id: string): Promise<LogoutOrderDetailDto> {
    return toDetailDto(await this.orders.get(id));
  }

  @Post(':id/pause')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Pause the records and notices of a logout order',
    description: 'What it ended stays dead. Notices that wait for their time are held back within seconds.',
  })
  @ApiOkResponse({ type: LogoutOrderDetailDto })
  @ApiJsonErrors(404, 409)
  async pause(
    @UuidParam('id', 'logout order') id: string,
    @OperatorClientId() operator: string,
  ): Promise<LogoutOrderDetailDto> {
    return toDetailDto(await this.orders.pause(id, operator));
  }

  @Post(':id/resume')
  @HttpCode(200)
  @ApiOperation({ summary: 'Resume a logout order', description: 'It goes on where it was, at its rate.' })
  @ApiOkResponse({ type: LogoutOrderDetailDto })
  @ApiJsonErrors(404, 409)
  async resume(
    @UuidParam('id', 'logout order') id: string,
    @OperatorClientId() operator: string,
  ): Promise<LogoutOrderDetailDto> {
    return toDetailDto(await this.orders.resume(id, operator));
  }
}

function checkedKey(key: string | undefined): string | undefined {
  if (key !== undefined && !/^[\x21-\x7e]{1,255}$/.test(key))
    throw new InvalidRequestError('Idempotency-Key must be 1 to 255 visible ASCII characters.');
  return key;
}

function toOrderDto(order: LogoutOrder): LogoutOrderDto {
  return {
    id: order.id,
    ...toTargetDto(order.target),
    ...(order.reason === null ? {} : { reason: order.reason }),
    cause: order.cause,
    operator: order.operator,
    not_before: order.orderedAt.toISOString(),
    notify_per_second: order.notifyPerSecond,
    state: order.state,
    ...(order.total === null ? {} : { total: order.total }),
    done: order.done,
    grants_revoked: order.grantsRevoked,
    deliveries: order.deliveries,
    ...(order.finishedAt === null ? {} : { finished_at: order.finishedAt.toISOString() }),
  };
}

function toTargetDto(
  target: OrderTarget,
): Pick<LogoutOrderDto, 'account_id' | 'client_id' | 'offline_only' | 'upstream' | 'everyone'> {
  switch (target.kind) {
    case 'account':
      return { account_id: target.accountId };
    case 'client':
      return { client_id: target.clientId };
    case 'client-offline':
      return { client_id: target.clientId, offline_only: true };
    case 'upstream':
      return { upstream: target.name };
    case 'everyone':
      return { everyone: true };
  }
}

function toDetailDto({ order, pending, applications, expectedUntil }: OrderProgress): LogoutOrderDetailDto {
  return {
    ...toOrderDto(order),
    deliveries_pending: pending,
    ...(order.lastNoticeAt === null ? {} : { last_due_at: order.lastNoticeAt.toISOString() }),
    ...(expectedUntil === undefined ? {} : { expected_until: expectedUntil.toISOString() }),
    applications: applications.map((application) => ({
      client_id: application.clientId,
      deliveries: application.deliveries,
      last_due_at: application.lastNoticeAt.toISOString(),
    })),
  };
}
