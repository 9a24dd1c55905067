import { Controller, Get, HttpCode, UseFilters } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Readiness } from '../../platform/database/readiness.js';
import { PATHS } from '../../platform/oidc/endpoints.js';
import { ApiJsonErrors } from '../kit/api-errors.js';
import { JsonErrorFilter } from '../kit/json-error.filter.js';

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
@Controller(PATHS.health)
@UseFilters(JsonErrorFilter)
export class HealthController {
  constructor(private readonly readiness: Readiness) {}

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
      'Answered within three seconds. `change_feed` is there only when this process does not receive what other nodes change: then it learns of it by the age of what it remembers, within half a minute or a minute, and can answer all the same.',
  })
  @ApiOkResponse(READY)
  @ApiJsonErrors(503)
  async ready(): Promise<object> {
    await this.readiness.assertReady();
    return { status: 'up', ...(this.readiness.hearsChanges ? {} : { change_feed: 'deaf' }) };
  }
}
