import { Controller, Get, HttpCode, UseFilters } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ChangeFeed } from '../../platform/database/change-feed.js';
import { StandbyError } from '../../platform/database/connections.js';
import { statement } from '../../platform/database/statement.js';
import { shared, within } from '../../platform/database/time-limit.js';
import { TransactionRunner } from '../../platform/database/transaction.js';
import { ApiJsonErrors } from '../kit/api-errors.js';
import { JsonErrorFilter } from '../kit/json-error.filter.js';

const PING = statement('health_ping', 'SELECT pg_catalog.pg_is_in_recovery() AS standby');
/** Storage that has fallen silent is away, long before a request's own time limit says so. */
const PING_MS = 2000;
const READY = {
  schema: {
    type: 'object',
    properties: {
      status: { type: 'string', example: 'up' },
      change_feed: { type: 'string', example: 'deaf' },
    },
  } as const,
};
const UP = { schema: { type: 'object', properties: { status: { type: 'string', example: 'up' } } } as const };

@ApiTags('Operations')
@Controller('health')
@UseFilters(JsonErrorFilter)
export class HealthController {
  /** One at a time: probes that come while storage is silent do not take a connection each. */
  private readonly ping = shared(() => this.transactions.query<{ standby: boolean }>(PING, []));

  constructor(
    private readonly transactions: TransactionRunner,
    private readonly changes: ChangeFeed,
  ) {}

  @Get('live')
  @HttpCode(200)
  @ApiOperation({ summary: 'The process runs' })
  @ApiOkResponse(UP)
  live(): object {
    return { status: 'up' };
  }

  @Get('ready')
  @HttpCode(200)
  @ApiOperation({
    summary: 'The process can answer: storage is there, and is a primary',
    description:
      'Answered within three seconds. `change_feed` is there only when this process does not hear what other nodes change: then it learns of it by the age of what it remembers, within half a minute or a minute, and can answer all the same.',
  })
  @ApiOkResponse(READY)
  @ApiJsonErrors(503)
  async ready(): Promise<object> {
    const [row] = await within(PING_MS, this.ping());
    if (row?.standby !== false) throw new StandbyError();
    return { status: 'up', ...(this.changes.hears ? {} : { change_feed: 'deaf' }) };
  }
}
