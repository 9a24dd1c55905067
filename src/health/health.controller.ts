import { Controller, Get, HttpCode, UseFilters } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { statement } from '../database/statement.js';
import { TransactionRunner } from '../database/transaction.js';
import { ApiJsonErrors } from '../http/api-errors.js';
import { JsonErrorFilter } from '../http/json-error.filter.js';

const PING = statement('health_ping', 'SELECT 1');
const UP = { schema: { type: 'object', properties: { status: { type: 'string', example: 'up' } } } as const };

@ApiTags('Operations')
@Controller('health')
@UseFilters(JsonErrorFilter)
export class HealthController {
  constructor(private readonly transactions: TransactionRunner) {}

  @Get('live')
  @HttpCode(200)
  @ApiOperation({ summary: 'The process runs' })
  @ApiOkResponse(UP)
  live(): object {
    return { status: 'up' };
  }

  @Get('ready')
  @HttpCode(200)
  @ApiOperation({ summary: 'The process can answer: storage is there' })
  @ApiOkResponse(UP)
  @ApiJsonErrors(503)
  async ready(): Promise<object> {
    await this.transactions.query(PING, []);
    return { status: 'up' };
  }
}
