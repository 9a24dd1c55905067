import {
  Controller,
  Cookies,
  Get,
  HttpCode,
  Param,
  ParseUUIDPipe,
  Query,
  Res,
  Sse,
  UseFilters,
  UsePipes,
  type MessageEvent,
} from '@nestjs/common';
import { ApiCookieAuth, ApiOperation, ApiProduces, ApiResponse, ApiTags } from '@nestjs/swagger';
import { concat, distinctUntilChanged, exhaustMap, map, mergeMap, takeWhile, timer, type Observable } from 'rxjs';
import { ApiPage, ApiSeeOther } from '../kit/api-errors.js';
import { BrowserIdentity } from '../kit/browser.js';
import { HttpEdge, type Cookies as CookieJar, type Response } from '../kit/http-edge.js';
import { LiveStreams } from '../kit/live-streams.js';
import { PageErrorFilter } from '../kit/page-error.filter.js';
import { OAuthParametersPipe } from '../kit/parameters.pipe.js';
import { TerminationWatch } from '../../domain/logout/insight/termination-watch.js';
import { NotFoundError } from '../../platform/oidc/errors.js';
import {
  renderConsoleOverview,
  renderConsoleOverviewPage,
  renderConsoleTimeline,
  renderConsoleTimelinePage,
} from '../pages/pages.js';
import type { ConsoleTimelineFigures } from '../pages/views.js';
import { ConsoleViews, OVERVIEW_PATH, urlOf } from './console-views.service.js';
import { OverviewQueryDto } from './dto/console.dto.js';
import { NotAnOperatorError } from '../../domain/operators/not-an-operator.error.js';
import { OperatorsService, type Operator } from '../../domain/operators/operators.service.js';

const OVERVIEW_EVERY_MS = 5000;
const RECEIPT_EVERY_MS = 1000;
const TerminationId = (): ParameterDecorator =>
  Param('id', new ParseUUIDPipe({ exceptionFactory: () => new NotFoundError('There is no such termination.') }));

/** What operators see of logouts: how all of them go, and one of them in full. It shows and changes nothing. */
@ApiTags('Console')
@ApiCookieAuth('console')
@Controller('console')
@UseFilters(PageErrorFilter)
export class ConsoleController {
  constructor(
    private readonly operators: OperatorsService,
    private readonly views: ConsoleViews,
    private readonly watch: TerminationWatch,
    private readonly streams: LiveStreams,
    private readonly browsers: BrowserIdentity,
    private readonly edge: HttpEdge,
  ) {}

  @Get()
  @HttpCode(303)
  @ApiOperation({ summary: 'The console' })
  @ApiSeeOther('To the overview of logouts.')
  home(@Res() response: Response): void {
    this.edge.redirect(response, OVERVIEW_PATH);
  }

  @Get('logouts')
  @HttpCode(200)
  @UsePipes(OAuthParametersPipe)
  @ApiOperation({
    summary: 'How logouts go',
    description:
      'Notices by state, how long applications take to accept, what is owed the longest, the latest logouts. For accounts with the role `operator` and for admin clients.',
  })
  @ApiPage(200, 'The overview.')
  @ApiSeeOther('To sign in first.')
  @ApiPage(400, '`before` is no id.')
  @ApiPage(503, 'Storage is away.')
  async overview(
    @Query() query: OverviewQueryDto,
    @Cookies() cookies: CookieJar,
    @Res() response: Response,
  ): Promise<void> {
    const operator = await this.operator(cookies);
    if (operator === undefined) return this.signInFirst(response);
    const figures = await this.views.overview(query.before);
    const nonce = this.edge.newNonce();
    const live =
      query.before === undefined ? { eventsUrl: `${OVERVIEW_PATH}/events`, reloadUrl: OVERVIEW_PATH } : undefined;
    const html = renderConsoleOverviewPage({ ...this.frame(operator, cookies, response), nonce, figures, live });
    this.edge.page(response, html, { nonce, live: live !== undefined });
  }

  @Sse('logouts/events')
  @ApiOperation({ summary: 'Follow how logouts go', description: 'Server-sent events, for two minutes at most.' })
  @ApiProduces('text/event-stream')
  @ApiResponse({ status: 200, content: { 'text/event-stream': { schema: { type: 'string' } } } })
  @ApiPage(403, 'You are no operator, or none any more.')
  @ApiPage(503, 'Too many pages are following along.')
  async overviewEvents(@Cookies() cookies: CookieJar): Promise<Observable<MessageEvent>> {
    await this.operatorOrRefuse(cookies);
    const updates = timer(OVERVIEW_EVERY_MS, OVERVIEW_EVERY_MS).pipe(
      exhaustMap(async () => {
        await this.operatorOrRefuse(cookies);
        return renderConsoleOverview(await this.views.overview());
      }),
    );
    return this.streams.stream('console', updates, 'operator');
  }

  @Get('logouts/:id')
  @HttpCode(200)
  @ApiOperation({
    summary: 'One logout in full',
    description: 'Who, why, what fell, each application’s attempts with their times, and the receipt.',
  })
  @ApiPage(200, 'The timeline.')
  @ApiSeeOther('To sign in first.')
  @ApiPage(404, 'There is no such termination.')
  @ApiPage(503, 'Storage is away.')
  async timeline(@TerminationId() id: string, @Cookies() cookies: CookieJar, @Res() response: Response): Promise<void> {
    const operator = await this.operator(cookies);
    if (operator === undefined) return this.signInFirst(response);
    const figures = await this.views.timeline(id);
    const nonce = this.edge.newNonce();
    const live = figures.receipt === undefined ? { eventsUrl: `${urlOf(id)}/events`, reloadUrl: urlOf(id) } : undefined;
    const frame = this.frame(operator, cookies, response);
    const html = renderConsoleTimelinePage({ ...frame, nonce, figures, live, overviewUrl: OVERVIEW_PATH });
    this.edge.page(response, html, { nonce, live: live !== undefined });
  }

  @Sse('logouts/:id/events')
  @ApiOperation({ summary: 'Follow one logout', description: 'Server-sent events, until its receipt is signed.' })
  @ApiProduces('text/event-stream')
  @ApiResponse({ status: 200, content: { 'text/event-stream': { schema: { type: 'string' } } } })
  @ApiPage(403, 'You are no operator, or none any more.')
  @ApiPage(404, 'There is no such termination.')
  @ApiPage(503, 'Too many pages are following along.')
  async timelineEvents(@TerminationId() id: string, @Cookies() cookies: CookieJar): Promise<Observable<MessageEvent>> {
    const read = async (): Promise<ConsoleTimelineFigures> => {
      // Each time: who is no operator any more learns nothing more. The page asks again, and is refused.
      await this.operatorOrRefuse(cookies);
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

  private async operator(cookies: CookieJar): Promise<Operator | undefined> {
    const admission = await this.operators.admit({
      session: this.edge.cookie(cookies, 'session'),
      console: this.edge.cookie(cookies, 'console'),
    });
    return admission.kind === 'operator' ? admission.operator : undefined;
  }

  private async operatorOrRefuse(cookies: CookieJar): Promise<void> {
    if ((await this.operator(cookies)) === undefined) throw new NotAnOperatorError();
  }

  private signInFirst(response: Response): void {
    this.edge.redirect(response, '/console/sign-in');
  }

  private frame(
    operator: Operator,
    cookies: CookieJar,
    response: Response,
  ): { readonly operator: string; readonly csrf: string; readonly signOutAction: string } {
    return {
      operator: operator.name,
      csrf: this.browsers.csrfToken(this.browsers.ensure(response, cookies)),
      signOutAction: '/console/sign-out',
    };
  }
}
