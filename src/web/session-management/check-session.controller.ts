import { createHash } from 'node:crypto';
import { Controller, Get, HttpCode, Inject, UseInterceptors } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { SETTINGS, type Settings } from '../../platform/config/settings.js';
import { PATHS } from '../../platform/oidc/endpoints.js';
import { ApiPage } from '../kit/api-errors.js';
import { CookiePolicy } from '../kit/cookies.js';
import { HttpResponse } from '../kit/http-response.js';
import { ResponseInterceptor } from '../kit/response.interceptor.js';
import { checkSessionScript } from './check-session.script.js';

/**
 * The frame that an application asks whether another person is signed in by now, or none. It asks us nothing: it
 * compares what the application holds with a cookie, in the browser.
 *
 * The one page that every site may frame (`frame-ancestors *`): a page that no application could hold in a frame would
 * be of no use, which ones they are is not known when it is loaded, and there is nothing on it to click. It says
 * nothing but one of three words, of which `unchanged` only to the origin that the answer to a sign-in went to.
 *
 * @see [Session Management 1.0](https://openid.net/specs/openid-connect-session-1_0.html) §3.2, §3.3, §6
 */
@ApiTags('Session management')
@Controller(PATHS.checkSession)
@UseInterceptors(ResponseInterceptor)
export class CheckSessionController {
  /** The same for everybody. */
  private readonly frame: HttpResponse<string>;

  constructor(cookies: CookiePolicy, @Inject(SETTINGS) settings: Settings) {
    const script = checkSessionScript({
      name: cookies.nameOf('browser_state'),
      secure: settings.issuer.startsWith('https:'),
    });
    const html = `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Session · Exeunt</title><script>${script}</script></head><body></body></html>\n`;
    // By its hash and not by a nonce: the page is the same for everybody, so it can be kept.
    const hash = createHash('sha256').update(script).digest('base64');
    const policy = `default-src 'none'; script-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors *`;
    this.frame = new HttpResponse({
      status: 200,
      body: html,
      headers: [
        ['Content-Type', 'text/html; charset=utf-8'],
        ['Cache-Control', 'public, max-age=300'],
        ['Content-Security-Policy', policy],
        ['Referrer-Policy', 'no-referrer'],
      ],
    });
  }

  @Get()
  @HttpCode(200)
  @ApiOperation({
    summary: 'Frame for session management',
    description:
      '`check_session_iframe` of Session Management 1.0 §3.2. Post it `client_id + " " + session_state`; it answers `unchanged`, `changed` or `error` to the origin that asked.',
  })
  @ApiPage(200, 'An empty page with a script. It may be framed by anybody.')
  show(): HttpResponse<string> {
    return this.frame;
  }
}
