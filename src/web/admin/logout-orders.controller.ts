import {
  Body,
  Controller,
  Get,
  Headers,
  HttpCode,
  Param,
  Post,
  Query,
  UseFilters,
  UseGuards,
  UsePipes,
} from '@nestjs/common';
import { ApiBearerAuth, ApiCreatedResponse, ApiHeader, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { AccountsService, isUuid } from '../../domain/accounts/accounts.service.js';
import { ClientsService } from '../../domain/clients/clients.service.js';
import { ApiJsonErrors } from '../kit/api-errors.js';
import { JsonErrorFilter } from '../kit/json-error.filter.js';
import { StrictJsonPipe } from '../kit/parameters.pipe.js';
import type { LogoutOrder, OrderTarget } from '../../domain/logout/orders/logout-order.js';
import { LogoutOrdersService, type OrderProgress } from '../../domain/logout/orders/logout-orders.service.js';
import { InvalidRequestError, NotFoundError } from '../../platform/oidc/errors.js';
import { UpstreamsService } from '../../domain/upstreams/upstreams.service.js';
import { AdminGuard, OperatorClientId } from '../kit/admin.guard.js';
import { UuidPageQueryDto } from './dto/common.dto.js';
import {
  CreateLogoutOrderDto,
  LogoutOrderDetailDto,
  LogoutOrderDto,
  LogoutOrderListDto,
} from './dto/logout-orders.dto.js';
import { toListDto } from './presenters.js';

/** Orders to end any number of sessions at once, for operators. */
@ApiTags('Admin: logouts')
@ApiBearerAuth('admin')
@Controller('admin/v1/logout-orders')
@UseGuards(AdminGuard)
@UseFilters(JsonErrorFilter)
@UsePipes(StrictJsonPipe)
@ApiJsonErrors(401, 403)
export class AdminLogoutOrdersController {
  constructor(
    private readonly orders: LogoutOrdersService,
    private readonly accounts: AccountsService,
    private readonly clients: ClientsService,
    private readonly upstreams: UpstreamsService,
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
    const order = await this.orders.place({
      target: await this.targetOf(body),
      reason: body.reason,
      notifyPerSecond: body.notify_per_second,
      operator,
      idempotencyKey: checkedKey(key),
    });
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
  async read(@Param('id') id: string): Promise<LogoutOrderDetailDto> {
    return toDetailDto(await this.orders.get(checkedId(id)));
  }

  @Post(':id/pause')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Pause the records and notices of a logout order',
    description: 'What it ended stays dead. Notices that wait for their time are held back within seconds.',
  })
  @ApiOkResponse({ type: LogoutOrderDetailDto })
  @ApiJsonErrors(404, 409)
  async pause(@Param('id') id: string, @OperatorClientId() operator: string): Promise<LogoutOrderDetailDto> {
    return toDetailDto(await this.orders.pause(checkedId(id), operator));
  }

  @Post(':id/resume')
  @HttpCode(200)
  @ApiOperation({ summary: 'Resume a logout order', description: 'It goes on where it was, at its rate.' })
  @ApiOkResponse({ type: LogoutOrderDetailDto })
  @ApiJsonErrors(404, 409)
  async resume(@Param('id') id: string, @OperatorClientId() operator: string): Promise<LogoutOrderDetailDto> {
    return toDetailDto(await this.orders.resume(checkedId(id), operator));
  }

  /** Refuses what does not exist: an order for a misspelt name would seem to have worked. */
  private async targetOf(body: CreateLogoutOrderDto): Promise<OrderTarget> {
    const { account_id: accountId, client_id: clientId, upstream: name, everyone } = body;
    if ([accountId, clientId, name, everyone].filter((value) => value != null).length !== 1)
      throw new InvalidRequestError('Name exactly one of account_id, client_id, upstream, everyone.');
    if (accountId != null) return { kind: 'account', accountId: (await this.accounts.get(accountId)).id };
    if (clientId != null) return { kind: 'client', clientId: (await this.clients.get(clientId)).clientId };
    if (name != null) return { kind: 'upstream', upstreamId: (await this.upstreams.get(name)).id, name };
    return { kind: 'everyone' };
  }
}

function checkedId(id: string): string {
  if (!isUuid(id)) throw new NotFoundError('There is no such logout order.');
  return id;
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

function toTargetDto(target: OrderTarget): Pick<LogoutOrderDto, 'account_id' | 'client_id' | 'upstream' | 'everyone'> {
  switch (target.kind) {
    case 'account':
      return { account_id: target.accountId };
    case 'client':
      return { client_id: target.clientId };
    case 'upstream':
      return { upstream: target.name };
    case 'everyone':
      return { everyone: true };
  }
}

function toDetailDto({ order, pending, applications }: OrderProgress): LogoutOrderDetailDto {
  return {
    ...toOrderDto(order),
    deliveries_pending: pending,
    applications: applications.map((application) => ({
      client_id: application.clientId,
      deliveries: application.deliveries,
      last_due_at: application.lastNoticeAt.toISOString(),
    })),
  };
}
