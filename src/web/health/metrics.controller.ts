import { Controller, Get, HttpCode, UseFilters, UseGuards, UseInterceptors } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiSecurity, ApiTags } from '@nestjs/swagger';
import { ApiJsonErrors } from '../kit/api-errors.js';
import { text, type HttpResponse } from '../kit/http-response.js';
import { JsonErrorFilter } from '../kit/json-error.filter.js';
import { ResponseInterceptor } from '../kit/response.interceptor.js';
import { MetricsGuard } from './metrics.guard.js';
import { Metrics } from '../../platform/metrics/metrics.js';
import { PATHS } from '../../platform/oidc/endpoints.js';

const EXAMPLE = `# HELP exeunt_terminations_total Terminations of sessions and grants, by cause.
# TYPE exeunt_terminations_total counter
exeunt_terminations_total{cause="end_session"} 3
`;

@ApiTags('Operations')
@Controller(PATHS.metrics)
@UseGuards(MetricsGuard)
@UseFilters(JsonErrorFilter)
@UseInterceptors(ResponseInterceptor)
export class MetricsController {
  constructor(private readonly metrics: Metrics) {}

  @Get()
  @HttpCode(200)
  @ApiOperation({
    summary: 'Metrics for Prometheus',
    description:
      'Counters are this node’s own, those of all its workers together, so take the sum over nodes; gauges that come from storage are the same on every node. The token is required when `METRICS_TOKEN` is set.',
  })
  @ApiBearerAuth('metrics')
  @ApiSecurity({})
  @ApiOkResponse({ content: { 'text/plain': { schema: { type: 'string' }, example: EXAMPLE } } })
  @ApiJsonErrors(401)
  async read(): Promise<HttpResponse<string>> {
    return text(await this.metrics.text(), this.metrics.contentType);
  }
}
