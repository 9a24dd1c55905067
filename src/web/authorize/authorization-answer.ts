import { Inject, Injectable } from '@nestjs/common';
import { SETTINGS, type Settings } from '../../platform/config/settings.js';
import { HttpEdge, type Cookies, type Response } from '../kit/http-edge.js';
import { Leaving } from '../kit/leaving.js';
import type { AuthorizationErrorCode } from '../../platform/oidc/errors.js';
import { appendQuery } from '../../platform/oidc/redirect-uri.js';
import { sessionStateOf } from '../../platform/oidc/session-state.js';
import { renderFormPostPage, renderHeldBackPage } from '../pages/pages.js';
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

  /**
   * The same, once the person has clicked: for a client that is not verified, so that a request that is wrong on
   * purpose cannot take a browser from here to any address (RFC 9700 §4.11.2).
   */
  errorByHand(
    response: Response,
    cookies: Cookies,
    target: AnswerTarget,
    code: AuthorizationErrorCode,
    description: string,
  ): void {
    const fields = this.fieldsOf(response, cookies, target, [
      ['error', code],
      ['error_description', description],
    ]);
    const nonce = this.edge.newNonce();
    const url = target.responseMode === 'query' ? appendQuery(target.redirectUri, fields) : target.redirectUri;
    const form = target.responseMode === 'query' ? {} : { fields: Object.fromEntries(fields) };
    this.edge.page(response, renderHeldBackPage({ nonce, url, ...form, description }), {
      nonce,
      status: 400,
      postsAway: target.responseMode === 'form_post',
    });
  }

  private send(
    response: Response,
    cookies: Cookies,
    target: AnswerTarget,
    parameters: ReadonlyArray<readonly [string, string]>,
  ): void {
    const all = this.fieldsOf(response, cookies, target, parameters);
    if (target.responseMode === 'query') {
      this.leaving.to(response, appendQuery(target.redirectUri, all));
      return;
    }
    // OAuth 2.0 Form Post Response Mode §2
    const nonce = this.edge.newNonce();
    const html = renderFormPostPage({ nonce, action: target.redirectUri, fields: Object.fromEntries(all) });
    this.edge.page(response, html, { nonce, postsAway: true });
  }

  private fieldsOf(
    response: Response,
    cookies: Cookies,
    target: AnswerTarget,
    parameters: ReadonlyArray<readonly [string, string]>,
  ): ReadonlyArray<readonly [string, string]> {
    const browserState = this.edge.browserState(response, cookies);
    const all = [
      ...parameters,
      ['state', target.state],
      ['session_state', sessionStateOf(target.clientId, target.redirectUri, browserState)],
      ['iss', this.settings.issuer],
    ] as const;
    return all.filter((pair): pair is readonly [string, string] => pair[1] !== undefined);
  }
}
