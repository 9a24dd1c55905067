import { Inject, Injectable } from '@nestjs/common';
import { SETTINGS, type Settings } from '../config/settings.js';
import { HttpEdge, type Cookies, type Response } from '../http/http-edge.js';
import { Leaving } from '../http/leaving.js';
import type { AuthorizationErrorCode } from '../oidc/errors.js';
import { appendQuery } from '../oidc/redirect-uri.js';
import { sessionStateOf } from '../oidc/session-state.js';
import { renderFormPostPage } from '../pages/pages.js';
import type { AnswerTarget } from './authorization-request.parser.js';

/** Sends the answer of an authorization request to the client, always with `iss` (RFC 9207 §2), its own `state`, and `session_state` (Session Management 1.0 §2). */
@Injectable()
export class AuthorizationAnswer {
  constructor(
    private readonly edge: HttpEdge,
    private readonly leaving: Leaving,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  code(response: Response, cookies: Cookies, target: AnswerTarget, code: string): void {
    this.send(response, cookies, target, [['code', code]]);
  }

  error(
    response: Response,
    cookies: Cookies,
    target: AnswerTarget,
    code: AuthorizationErrorCode,
    description: string,
  ): void {
    this.send(response, cookies, target, [
      ['error', code],
      ['error_description', description],
    ]);
  }

  private send(
    response: Response,
    cookies: Cookies,
    target: AnswerTarget,
    parameters: ReadonlyArray<readonly [string, string]>,
  ): void {
    const browserState = this.edge.browserState(response, cookies);
    const all = [
      ...parameters,
      ['state', target.state],
      ['session_state', sessionStateOf(target.clientId, target.redirectUri, browserState)],
      ['iss', this.settings.issuer],
    ] as const;
    if (target.responseMode === 'query') {
      this.leaving.to(response, appendQuery(target.redirectUri, all));
      return;
    }
    // OAuth 2.0 Form Post Response Mode §2
    const nonce = this.edge.newNonce();
    const fields = Object.fromEntries(all.filter((pair): pair is readonly [string, string] => pair[1] !== undefined));
    const html = renderFormPostPage({ nonce, action: target.redirectUri, fields });
    this.edge.page(response, html, { nonce, postsAway: true });
  }
}
