import {
  Controller,
  Get,
  HttpCode,
  Param,
  ParseUUIDPipe,
  Query,
  Sse,
  UseFilters,
  UseInterceptors,
  UsePipes,
  type MessageEvent,
} from '@nestjs/common';
import { ApiCookieAuth, ApiOperation, ApiProduces, ApiResponse, ApiTags } from '@nestjs/swagger';
import { concat, distinctUntilChanged, exhaustMap, map, mergeMap, takeWhile, timer, type Observable } from 'rxjs';
import { ApiPage, ApiSeeOther } from '../kit/api-errors.js';
import { type Browser, CurrentBrowser } from '../kit/browser.js';
import { formPage, redirect, type HttpResponse } from '../kit/http-response.js';
import { LiveStreams } from '../kit/live-streams.js';
import { PageErrorFilter } from '../kit/page-error.filter.js';
import { OAuthParametersPipe } from '../kit/parameters.pipe.js';
import { ResponseInterceptor } from '../kit/response.interceptor.js';
import { TerminationWatch } from '../../domain/logout/insight/termination-watch.js';
import { PATHS } from '../../platform/oidc/endpoints.js';
import { NotFoundError } from '../../platform/oidc/errors.js';
import {
  renderConsoleOverview,
  renderConsoleOverviewPage,
  renderConsoleTimeline,
  renderConsoleTimelinePage,
} from '../pages/pages.js';
import type { ConsoleTimelineFigures } from '../pages/pages.js';
import { ConsoleViews, urlOf } from './console-views.service.js';
import { OverviewQueryDto } from './dto/console.dto.js';
import { NotAnOperatorError } from '../../domain/operators/not-an-operator.error.js';
import { OperatorsService, type Operator } from '../../domain/operators/operators.service.js';

const OVERVIEW_PATH = PATHS.consoleLogouts;
const OVERVIEW_EVERY_MS = 5000;
const RECEIPT_EVERY_MS = 1000;
const TerminationId = (): ParameterDecorator =>
  Param('id', new ParseUUIDPipe({ exceptionFactory: () => new NotFoundError('There is no such termination.') }));

/** What operators see of logouts: how all of them go, and one of them in full. It shows and changes nothing. */
@ApiTags('Console')
@ApiCookieAuth('console')
@Controller(PATHS.console)
@UseFilters(PageErrorFilter)
export class ConsoleController {
  constructor(
    private readonly operators: OperatorsService,
    private readonly views: ConsoleViews,
    private readonly watch: TerminationWatch,
    private readonly streams: LiveStreams,
  ) {}

  @Get()
  @HttpCode(303)
  @UseInterceptors(ResponseInterceptor)
  @ApiOperation({ summary: 'The console' })
  @ApiSeeOther('To the overview of logouts.')
  home(): HttpResponse {
    return redirect(OVERVIEW_PATH);
  }

  @Get('logouts')
  @HttpCode(200)
  @UseInterceptors(ResponseInterceptor)
  @UsePipes(OAuthParametersPipe)
  @ApiOperation({
    summary: 'How logouts go',
    description:
      'Notices by state, how long applications take to accept, what has been pending the longest, the latest logouts. For accounts with the role `operator` and for admin clients.',
  })
  @ApiPage(200, 'The overview.')
  @ApiSeeOther('To sign in first.')
  @ApiPage(400, '`before` is no id.')
  @ApiPage(503, 'Storage is away.')
  async overview(@Query() query: OverviewQueryDto, @CurrentBrowser() browser: Browser): Promise<HttpResponse> {
    const operator = await this.operator(browser);
    if (operator === undefined) return redirect(PATHS.consoleSignIn);
    const figures = await this.views.overview(query.before);
    const live =
      query.before === undefined ? { eventsUrl: `${OVERVIEW_PATH}/events`, reloadUrl: OVERVIEW_PATH } : undefined;
    const view = { ...frame(operator), figures, live };
    return formPage(browser, renderConsoleOverviewPage, view, { live: live !== undefined });
  }

  @Sse('logouts/events')
  @ApiOperation({ summary: 'Follow how logouts go', description: 'Server-sent events, for two minutes at most.' })
  @ApiProduces('text/event-stream')
  @ApiResponse({ status: 200, content: { 'text/event-stream': { schema: { type: 'string' } } } })
  @ApiPage(403, 'You are no operator, or none any more.')
  @ApiPage(503, 'Too many pages are following along.')
  async overviewEvents(@CurrentBrowser() browser: Browser): Promise<Observable<MessageEvent>> {
    await this.operatorOrRefuse(browser);
    const updates = timer(OVERVIEW_EVERY_MS, OVERVIEW_EVERY_MS).pipe(
      exhaustMap(async () => {
        await this.operatorOrRefuse(browser);
        return renderConsoleOverview(await this.views.overview());
      }),
    );
    return this.streams.stream('console', updates, 'operator');
  }

  @Get('logouts/:id')
  @HttpCode(200)
  @UseInterceptors(ResponseInterceptor)
  @ApiOperation({
    summary: 'One logout in full',
    description: 'Who, why, what fell, each application’s attempts with their times, and the receipt.',
  })
  @ApiPage(200, 'The timeline.')
  @ApiSeeOther('To sign in first.')
  @ApiPage(404, 'There is no such termination.')
  @ApiPage(503, 'Storage is away.')
  async timeline(@TerminationId() id: string, @CurrentBrowser() browser: Browser): Promise<HttpResponse> {
    const operator = await this.operator(browser);
    if (operator === undefined) return redirect(PATHS.consoleSignIn);
    const figures = await this.views.timeline(id);
    const live = figures.receipt === undefined ? { eventsUrl: `${urlOf(id)}/events`, reloadUrl: urlOf(id) } : undefined;
    const view = { ...frame(operator), figures, live, overviewUrl: OVERVIEW_PATH };
    return formPage(browser, renderConsoleTimelinePage, view, { live: live !== undefined });
  }

  @Sse('logouts/:id/events')
  @ApiOperation({ summary: 'Follow one logout', description: 'Server-sent events, until its receipt is signed.' })
  @ApiProduces('text/event-stream')
  @ApiResponse({ status: 200, content: { 'text/event-stream': { schema: { type: 'string' } } } })
  @ApiPage(403, 'You are no operator, or none any more.')
  @ApiPage(404, 'There is no such termination.')
  @ApiPage(503, 'Too many pages are following along.')
  async timelineEvents(
    @TerminationId() id: string,
    @CurrentBrowser() browser: Browser,
  ): Promise<Observable<MessageEvent>> {
    const read = async (): Promise<ConsoleTimelineFigures> => {
      // Each time: who is no operator any more learns nothing more. The page asks again, and is refused.
      await this.operatorOrRefuse(browser);
      return this.views.timeline(id);
    };
    await read();
    const changes = this.watch.watch(id).pipe(mergeMap(read, 1));
    // When the last notice has ended, the receipt is still to be signed.
    const afterwards = timer(0, RECEIPT_EVERY_MS).pipe(exhaustMap(read));
    const updates = concat(changes, afterwards).pipe(
      takeWhile(({ receipt }) => receipt === undefined, true),
      map(renderConsoleTimeline),
      distinctUntilChanged(),
    );
    return this.streams.stream(`console:${id}`, updates, 'operator');
  }

  private async operator(browser: Browser): Promise<Operator | undefined> {
    const admission = await this.operators.admit({
      session: browser.cookie('session'),
      console: browser.cookie('console'),
    });
    return admission.kind === 'operator' ? admission.operator : undefined;
  }

  private async operatorOrRefuse(browser: Browser): Promise<void> {
    if ((await this.operator(browser)) === undefined) throw new NotAnOperatorError();
  }
}

function frame(operator: Operator): { readonly operator: string; readonly signOutAction: string } {
  return { operator: operator.name, signOutAction: PATHS.consoleSignOut };
}
