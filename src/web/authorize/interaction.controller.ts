import {
  Body,
  Controller,
  Get,
  Headers,
  HttpCode,
  Ip,
  Param,
  Post,
  UseFilters,
  UseInterceptors,
  UsePipes,
} from '@nestjs/common';
import { ApiConsumes, ApiOperation, ApiTags } from '@nestjs/swagger';
import { InteractionFlow } from '../../domain/interactions/interaction-flow.service.js';
import { InteractionSignIns } from '../../domain/lifecycle/interaction-sign-ins.service.js';
import { interactionPath, PATHS } from '../../platform/oidc/endpoints.js';
import type { WayOn } from '../../platform/oidc/ways-on.js';
import { ApiPage, ApiSeeOther } from '../kit/api-errors.js';
import { type Browser, CurrentBrowser } from '../kit/browser.js';
import { FormDto, isTooLong, SignInFormDto } from '../kit/dto/forms.dto.js';
import { redirect, type HttpResponse } from '../kit/http-response.js';
import { OAuthParametersPipe } from '../kit/parameters.pipe.js';
import { keepingCookies, ResponseInterceptor } from '../kit/response.interceptor.js';
import { ConsentFormDto } from './dto/consent-form.dto.js';
import { InteractionErrorFilter } from './interaction-error.filter.js';
import { InteractionResponses } from './interaction-responses.js';

const FORM = 'application/x-www-form-urlencoded';

/** The pages between an authorization request and its answer: sign-in and consent. */
@ApiTags('Sign-in')
@Controller(`${PATHS.interaction}/:id`)
@UseFilters(InteractionErrorFilter)
@UsePipes(OAuthParametersPipe)
@UseInterceptors(ResponseInterceptor)
export class InteractionController {
  constructor(
    private readonly flow: InteractionFlow,
    private readonly signIns: InteractionSignIns,
    private readonly responses: InteractionResponses,
  ) {}

  @Get()
  @HttpCode(200)
  @ApiOperation({ summary: 'Sign-in or consent page' })
  @ApiPage(200, 'A form: `login` and `password`, or the consent.')
  @ApiSeeOther('Back to the application when nothing needs to be asked any more.')
  @ApiPage(
    400,
    'The interaction is over, or belongs to another browser. The page leads on, in its own browser by itself.',
  )
  async show(@Param('id') id: string, @CurrentBrowser() browser: Browser): Promise<HttpResponse> {
    const current = await this.flow.findOpen(id, browser);
    return this.responses.step(browser, current, await this.flow.next(current));
  }

  @Get('again')
  @HttpCode(303)
  @ApiOperation({ summary: 'Begin again a sign-in that is over' })
  @ApiSeeOther('To a new interaction with the same request.')
  @ApiPage(400, 'There is no such interaction any more. The page leads on.')
  @ApiPage(429, 'Too many sign-ins were begun from this address; `Retry-After` says when to come back.')
  async again(@Param('id') id: string, @CurrentBrowser() sent: Browser, @Ip() address: string): Promise<HttpResponse> {
    const browser = sent.identified();
    return keepingCookies(browser, async () =>
      redirect(interactionPath(await this.flow.beginAgain(id, browser, address))).for(browser),
    );
  }

  @Post('sign-in')
  @HttpCode(303)
  @ApiOperation({ summary: 'Sign in' })
  @ApiConsumes(FORM)
  @ApiPage(200, 'The consent page; or, to a browser (`Accept: text/html`), a page that goes back to the application.')
  @ApiSeeOther('Back to the application. The session cookie is new.')
  @ApiPage(400, 'Wrong login or password, or the interaction lapsed.')
  @ApiPage(403, 'The form was not opened in this browser.')
  @ApiPage(429, 'Too many attempts; `Retry-After` says when to come back.')
  @ApiPage(503, 'Too many sign-ins at once, or storage is away.')
  async signIn(
    @Param('id') id: string,
    @Body() form: SignInFormDto,
    @CurrentBrowser() sent: Browser,
    @Ip() address: string,
    @Headers('user-agent') userAgent: string | undefined,
  ): Promise<HttpResponse> {
    const browser = sent.submitted(form.csrf, wayBack(id));
    const current = await this.flow.findForPassword(id, browser);
    const { login = '', password } = form;
    if (login === '' || password === undefined)
      return this.responses.signIn(browser, current, { login, problem: 'missing_fields' });
    if (isTooLong(form))
      return this.responses.signIn(browser, current, { login: login.slice(0, 320), problem: 'too_long' });
    const outcome = await this.signIns.signIn(current, login, password, { address, userAgent });
    if (outcome.kind !== 'signed_in')
      return this.responses.signIn(browser, current, {
        login,
        problem: outcome.kind,
        retryAfterSeconds: outcome.kind === 'too_many_attempts' ? outcome.retryAfterSeconds : undefined,
      });
    const known = browser.signedIn(outcome.cookie);
    // The session has begun, so its cookie goes out whatever comes of the rest.
    return keepingCookies(known, async () => this.responses.step(known, outcome.current, await outcome.step));
  }

  @Post('consent')
  @HttpCode(303)
  @ApiOperation({ summary: 'Allow or deny what the application asks for' })
  @ApiConsumes(FORM)
  @ApiPage(200, 'To a browser (`Accept: text/html`): a page that goes back to the application.')
  @ApiSeeOther('Back to the application, with `code` or `error=access_denied`.')
  @ApiPage(400, 'The interaction lapsed or belongs to another browser.')
  @ApiPage(403, 'The form was not opened in this browser.')
  @ApiPage(429, 'Too many sign-ins were refused from this address; `Retry-After` says when to come back.')
  async consent(
    @Param('id') id: string,
    @Body() form: ConsentFormDto,
    @CurrentBrowser() sent: Browser,
    @Ip() address: string,
  ): Promise<HttpResponse> {
    const browser = sent.submitted(form.csrf, wayBack(id));
    const { current, step } = await this.flow.consent(id, browser, form.decision, address);
    return this.responses.step(browser, current, step);
  }

  @Post('cancel')
  @HttpCode(303)
  @ApiOperation({ summary: 'Go back to the application without signing in' })
  @ApiConsumes(FORM)
  @ApiPage(200, 'To a browser (`Accept: text/html`): a page that goes back to the application.')
  @ApiSeeOther('Back to the application, with `error=access_denied`.')
  @ApiPage(400, 'The interaction lapsed or belongs to another browser.')
  @ApiPage(403, 'The form was not opened in this browser.')
  @ApiPage(429, 'Too many sign-ins were refused from this address; `Retry-After` says when to come back.')
  async cancel(
    @Param('id') id: string,
    @Body() form: FormDto,
    @CurrentBrowser() sent: Browser,
    @Ip() address: string,
  ): Promise<HttpResponse> {
    const browser = sent.submitted(form.csrf, wayBack(id));
    return this.responses.answer(browser, await this.flow.cancel(id, browser, address));
  }
}

function wayBack(id: string): WayOn {
  return { url: interactionPath(id), label: 'Show the page again' };
}
