import { Controller, Get, HttpCode, UseFilters, UseGuards, UseInterceptors } from '@nestjs/common';
import { ApiBasicAuth, ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Principals } from './principals.service.js';
import type { Caller } from './caller.js';
import { ContentTypeGuard } from './content-type.guard.js';
import { AuthenticationDto } from './dto/authentication.dto.js';
import { ElasticsearchAnswerInterceptor } from './elasticsearch-answer.js';
import { ElasticsearchErrorFilter } from './elasticsearch-error.filter.js';
import { tokenExpired, unableToAuthenticate } from './elasticsearch-error.js';
import { toAuthentication, toClientAuthentication } from './authentication.mapper.js';
import { ApiElasticsearchErrors } from './elasticsearch-openapi.js';
import { CurrentCaller, FacilitatorGuard } from './facilitator.guard.js';
import { TAG } from './vocabulary.js';

/** Who a credential stands for: 200 before a logout, 401 `token expired` after it. */
@ApiTags(TAG)
@ApiBasicAuth('facilitator')
@ApiBearerAuth('user')
@Controller('_security/_authenticate')
@UseFilters(ElasticsearchErrorFilter)
@UseGuards(ContentTypeGuard, FacilitatorGuard)
@UseInterceptors(ElasticsearchAnswerInterceptor)
export class ElasticsearchAuthenticateController {
  constructor(private readonly principals: Principals) {}

  @Get()
  @HttpCode(200)
  @ApiOperation({
    summary: 'Authenticate: the person for whom a credential stands',
    description:
      'Authenticate API. Any credential will do: a client’s secret or own token, or a person’s access token. Answers from storage, so a token that was ended by a logout is refused at once.',
  })
  @ApiOkResponse({ type: AuthenticationDto })
  @ApiElasticsearchErrors('/_security/_authenticate', {
    'wrong secret': unableToAuthenticate('ledger', '/_security/_authenticate'),
    'expired, unknown or invalidated token': tokenExpired(),
  })
  async authenticate(@CurrentCaller() caller: Caller): Promise<AuthenticationDto> {
    if (caller.kind === 'client') return toClientAuthentication(caller.client, caller.by);
    return toAuthentication(await this.principals.principalOf(caller.token));
  }
}
