import {
  Controller,
  Get,
  Headers,
  HttpCode,
  Ip,
  Param,
  Query,
  UseFilters,
  UseInterceptors,
  UsePipes,
} from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { UpstreamInteractions } from '../../domain/lifecycle/upstream-interactions.service.js';
import { interactionPath, PATHS } from '../../platform/oidc/endpoints.js';
import { ApiPage, ApiSeeOther } from '../kit/api-errors.js';
import { type Browser, CurrentBrowser } from '../kit/browser.js';
import { redirect, type HttpResponse } from '../kit/http-response.js';
import { OAuthParametersPipe } from '../kit/parameters.pipe.js';
import { ResponseInterceptor } from '../kit/response.interceptor.js';
import { UpstreamCallbackDto } from './dto/upstream-callback.dto.js';
import { InteractionErrorFilter } from './interaction-error.filter.js';
import { InteractionResponses } from './interaction-responses.js';

/**
 * The round trip to another provider and back, within an interaction.
 *
 * Decision: leaving by a link and not by a form keeps foreign origins out of the page's `form-action`.
 */
@ApiTags('Sign-in')
@Controller()
@UseFilters(InteractionErrorFilter)
@UsePipes(OAuthParametersPipe)
@UseInterceptors(ResponseInterceptor)
export class UpstreamSignInController {
  constructor(
    private readonly signIns: UpstreamInteractions,
    private readonly responses: InteractionResponses,
  ) {}

  @Get(`${PATHS.interaction}/:id/upstream/:name`)
  @HttpCode(303)
  @ApiOperation({ summary: 'Sign in with another provider' })
  @ApiSeeOther('To the other provider, with PKCE, `state` and `nonce`.')
  @ApiPage(400, 'The interaction lapsed or belongs to another browser, or there is no such provider for it.')
  @ApiPage(429, 'Too many sign-ins were begun from this address; `Retry-After` says when to come back.')
  @ApiPage(503, 'The other provider cannot be reached; the sign-in page says so.')
  async leave(
    @Param('id') id: string,
    @Param('name') name: string,
    @CurrentBrowser() browser: Browser,
    @Ip() address: string,
  ): Promise<HttpResponse> {
    const outcome = await this.signIns.depart(id, name, browser, address);
    return outcome.kind === 'departs' ? redirect(outcome.url) : this.responses.upstreamProblem(browser, outcome);
  }

  @Get(`${PATHS.upstreams}/:name/callback`)
  @HttpCode(303)
  @ApiOperation({
    summary: 'Where another provider sends the browser back to',
    description:
      'Register this address at the provider. Each answer is taken once, and only from the browser that left.',
  })
  @ApiSeeOther('On with the interaction: to consent, or back to the application. The session cookie is new.')
  @ApiPage(400, 'The answer is not good, was used before, or belongs to another browser.')
  @ApiPage(403, 'The person has no account here that can be used.')
  @ApiPage(503, 'The other provider cannot be reached, or storage is away.')
  async callback(
    @Param('name') name: string,
    @Query() query: UpstreamCallbackDto,
    @CurrentBrowser() browser: Browser,
    @Ip() address: string,
    @Headers('user-agent') userAgent: string | undefined,
  ): Promise<HttpResponse> {
    const response = { state: query.state, parameters: parametersOf(query) };
    const outcome = await this.signIns.comeBack(name, response, browser, { address, userAgent });
    if (outcome.kind === 'problem') return this.responses.upstreamProblem(browser, outcome);
    return redirect(interactionPath(outcome.interactionId)).for(browser.signedIn(outcome.cookie));
  }
}

function parametersOf(query: UpstreamCallbackDto): URLSearchParams {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (typeof value === 'string') parameters.append(name, value);
  return parameters;
}
