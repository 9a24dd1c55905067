import { Body, Get, Headers, HttpCode, Post, Query, UsePipes } from '@nestjs/common';
import { ApiConsumes, ApiOperation, ApiTags } from '@nestjs/swagger';
import { PATHS } from '../../../platform/oidc/endpoints.js';
import { appendQuery } from '../../../platform/oidc/redirect-uri.js';
import { ApiPage, ApiSeeOther } from '../../kit/api-errors.js';
import { CurrentBrowser, type Browser } from '../../kit/browser.js';
import { redirect, type HttpResponse } from '../../kit/http-response.js';
import { PageController } from '../../kit/page-controller.js';
import { OAuthParametersPipe } from '../../kit/parameters.pipe.js';
import { DialogDecisions } from './dialog-decisions.service.js';
import { EndSessionFormDto, EndSessionRequestDto } from './dto/end-session.dto.js';
import { mergeParameters } from './end-session.mapper.js';
import { EndSessionService } from './end-session.service.js';
import { IsNavigation } from './navigation.js';
import { TAG } from './vocabulary.js';

/**
 * RP-Initiated Logout 1.0 with a confirmation dialog, as cidaas documents it (docs/wire/oidc-end-session.md).
 *
 * Decision: the cookie says whose session ends; a hint names the application and may spare the question. It never ends
 * a session by itself: a finder of an old ID token must not be able to log its owner out
 * (docs/threat-model.md#leaked-hint). In order:
 *
 * 1. The hints are verified; one that fails is used for nothing. Only a hint opens the way back to an application, and
 *    only to a URI that is registered for it to the letter.
 * 2. GET, and a POST that is not the dialog's own form, show the dialog. Nothing has changed by then, so an `<img>` on
 *    a foreign page does no harm (docs/threat-model.md#forced-logout).
 * 3. The dialog's form acts. Its CSRF token belongs to this browser; what it was shown for comes back sealed, so that
 *    nothing is read from form fields twice.
 * 4. The redirect follows whichever way the person decides, after the applications were notified (§3): at once, or from
 *    a page whose frames ask those that can only be asked in the browser.
 *
 * @see [RP-Initiated Logout 1.0](https://openid.net/specs/openid-connect-rpinitiated-1_0.html) §2, §3, §4
 */
@ApiTags(TAG)
@PageController(PATHS.endSession)
@UsePipes(OAuthParametersPipe)
export class EndSessionController {
  constructor(
    private readonly endSession: EndSessionService,
    private readonly decisions: DialogDecisions,
  ) {}

  @Get()
  @HttpCode(200)
  @ApiOperation({
    summary: 'Logout Endpoint (End-Session)',
    description:
      'Clears the authentication session and its cookie. Opened in a browser. Shows a dialog; nothing ends before the person answers it. A hint is a token that was issued to the application before: it says which application asks and proves nothing about who is signed in. A client registered with `skip_logout_confirmation` is spared the dialog when its ID token hint belongs to the browser’s session; one with `headless_logout` needs no browser, only a hint that is still good. When no person is signed in and the session of the hint is over, the browser continues at once.',
  })
  @ApiPage(
    200,
    'The dialog; also when no person is signed in, which is no error. Without dialog, the signed-out page, where applications have to be asked in the browser.',
  )
  @ApiSeeOther('Without dialog, where the client is spared it: to `post_logout_redirect_uri`.')
  @ApiPage(400, 'A parameter was sent twice. Nothing changed.')
  @ApiPage(500, 'A fault of this service. Nothing changed.')
  @ApiPage(503, 'Storage is away, so nothing is confirmed. Trying again does no harm.')
  get(
    @Query() query: EndSessionRequestDto,
    @IsNavigation() isNavigation: boolean,
    @CurrentBrowser() browser: Browser,
  ): Promise<HttpResponse> {
    return this.endSession.ask(query, browser, { mayAct: isNavigation, mayActByHint: isNavigation });
  }

  @Post()
  @HttpCode(200)
  @ApiOperation({
    summary: 'Logout Endpoint (End-Session), by form',
    description:
      'With the parameters of GET it shows the dialog. With the dialog’s own `csrf`, `request` and `decision` it acts.',
  })
  @ApiConsumes('application/x-www-form-urlencoded')
  @ApiPage(
    200,
    'The dialog, or, once it was answered, the signed-out page with what each application said. It goes on to `post_logout_redirect_uri` by itself when it asks applications in frames.',
  )
  @ApiSeeOther(
    'To `post_logout_redirect_uri` with `state`, whichever way the person decided, for a program. A browser (`Accept: text/html`) gets a page that goes there by itself.',
  )
  @ApiPage(400, 'A parameter was sent twice. Nothing changed.')
  @ApiPage(403, 'The form was not opened in this browser. Nothing changed.')
  @ApiPage(500, 'A fault of this service.')
  @ApiPage(503, 'Storage is away, so nothing is confirmed. Trying again does no harm.')
  async post(
    @Body() form: EndSessionFormDto,
    @Query() query: EndSessionRequestDto,
    @Headers('sec-fetch-site') fetchSite: string | undefined,
    @CurrentBrowser() browser: Browser,
  ): Promise<HttpResponse> {
    if (form.decision !== undefined || form.csrf !== undefined || form.request !== undefined)
      return this.decisions.carryOut(form, browser);
    const parameters = mergeParameters(query, form);
    // A POST from another site comes without our SameSite=Lax cookie; the same request by GET brings it.
    if (fetchSite === 'cross-site') return redirect(appendQuery(PATHS.endSession, Object.entries(parameters)));
    return this.endSession.ask(parameters, browser, { mayAct: false, mayActByHint: true });
  }
}
