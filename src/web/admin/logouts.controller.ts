import { Get, HttpCode, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation } from '@nestjs/swagger';
import { UuidParam } from '../kit/uuid-param.js';
import { AdminController } from '../kit/admin-controller.js';
import { ApiJsonErrors } from '../kit/api-errors.js';
import { LogoutRecordsService } from '../../domain/logout/termination/logout-records.service.js';
import {
  DeliveriesQueryDto,
  DeliveryDetailDto,
  DeliveryListDto,
  TerminationDetailDto,
  TerminationListDto,
  TerminationsQueryDto,
} from './dto/logout.dto.js';
import { toAttemptDto, toDate, toDeliveryDto, toListDto, toTerminationDto } from './presenters.js';

/** The record: who was logged out and why, and what became of each notice. */
@AdminController('', 'logouts')
export class AdminLogoutsController {
  constructor(private readonly records: LogoutRecordsService) {}

  @Get('terminations')
  @HttpCode(200)
  @ApiOperation({ summary: 'List terminations', description: 'Newest first.' })
  @ApiOkResponse({ type: TerminationListDto })
  @ApiJsonErrors(400)
  async listTerminations(@Query() query: TerminationsQueryDto): Promise<TerminationListDto> {
    const page = await this.records.listTerminations({
      limit: query.limit,
      cursor: query.cursor,
      accountId: query.account_id,
      cause: query.cause,
    });
    return toListDto(page, toTerminationDto);
  }

  @Get('terminations/:id')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Read a termination with its deliveries',
    description:
      'Each application that took part is in one of the two lists: `delivery_list` has the notices, `without_notice_list` those that were asked in the browser or cannot be notified, and why.',
  })
  @ApiOkResponse({ type: TerminationDetailDto })
  @ApiJsonErrors(404)
  async readTermination(@UuidParam('id', 'termination') id: string): Promise<TerminationDetailDto> {
    const { termination, deliveries } = await this.records.getTermination(id);
    return {
      ...toTerminationDto(termination),
      delivery_list: deliveries.map(toDeliveryDto),
      without_notice_list: [...termination.withoutNotice],
    };
  }

  @Get('deliveries')
  @HttpCode(200)
  @ApiOperation({
    summary: 'List deliveries',
    description: 'Newest first, by state, client, termination, error and time.',
  })
  @ApiOkResponse({ type: DeliveryListDto })
  @ApiJsonErrors(400)
  async listDeliveries(@Query() query: DeliveriesQueryDto): Promise<DeliveryListDto> {
    const page = await this.records.listDeliveries({
      limit: query.limit,
      cursor: query.cursor,
      state: query.state,
      clientId: query.client_id,
      terminationId: query.termination_id,
      errorCode: query.error_code,
      createdAfter: toDate(query.created_after),
      createdBefore: toDate(query.created_before),
    });
    return toListDto(page, toDeliveryDto);
  }

  @Get('deliveries/:id')
  @HttpCode(200)
  @ApiOperation({ summary: 'Read a delivery with its attempts' })
  @ApiOkResponse({ type: DeliveryDetailDto })
  @ApiJsonErrors(404)
  async readDelivery(@UuidParam('id', 'delivery') id: string): Promise<DeliveryDetailDto> {
    const { delivery, attempts } = await this.records.getDelivery(id);
    return { ...toDeliveryDto(delivery), attempt_log: attempts.map(toAttemptDto) };
  }
}
