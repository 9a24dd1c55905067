import { Controller, Get, HttpCode, Res, UseFilters, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiSecurity, ApiTags } from '@nestjs/swagger';
import { ApiJsonErrors } from '../kit/api-errors.js';
import { HttpEdge, type Response } from '../kit/http-edge.js';
import { JsonErrorFilter } from '../kit/json-error.filter.js';
import { MetricsGuard } from './metrics.guard.js';
import { Metrics } from '../../platform/metrics/metrics.js';

const EXAMPLE = `# HELP exeunt_terminations_total Terminations of sessions and grants, by cause.
# TYPE exeunt_terminations_total counter
exeunt_terminations_total{cause="end_session"} 3
`;

@ApiTags('Operations')
@Controller('metrics')
@UseGuards(MetricsGuard)
@UseFilters(JsonErrorFilter)
export class MetricsController {
  constructor(
    private readonly metrics: Metrics,
    private readonly edge: HttpEdge,
  ) {}

  @Get()
  @HttpCode(200)
  @ApiOperation({
    summary: 'Metrics for Prometheus',
    description:
      'Counters are this process’s own, so take the sum; gauges that come from storage are the same on every node. The token is required when `METRICS_TOKEN` is set.',
  })
  @ApiBearerAuth('metrics')
  @ApiSecurity({})
  @ApiOkResponse({ content: { 'text/plain': { schema: { type: 'string' }, example: EXAMPLE } } })
  @ApiJsonErrors(401)
  async read(@Res({ passthrough: true }) response: Response): Promise<string> {
    const text = await this.metrics.text();
    this.edge.noStore(response);
    this.edge.header(response, 'Content-Type', this.metrics.contentType);
    return text;
  }
}
