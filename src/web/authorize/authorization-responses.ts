import { Inject, Injectable } from '@nestjs/common';
import type { ResponseTarget } from '../../domain/interactions/authorization-request.js';
import { SETTINGS, type Settings } from '../../platform/config/settings.js';
import type { AuthorizationErrorCode } from '../../platform/oidc/errors.js';
import { appendQuery } from '../../platform/oidc/redirect-uri.js';
import { sessionStateOf } from '../../platform/oidc/session-state.js';
import type { Browser } from '../kit/browser.js';
import { leave, page, type HttpResponse } from '../kit/http-response.js';
import { renderFormPostPage, renderHeldBackPage } from '../pages/pages.js';

type Parameters = ReadonlyArray<readonly [name: string, value: string]>;

/**
 * The response to an authorization request, always with `iss` (RFC 9207 §2), the client's own `state`, and `session_state`
 * (Session Management 1.0 §2).
 */
@Injectable()
export class AuthorizationResponses {
  constructor(@Inject(SETTINGS) private readonly settings: Settings) {}

  code(browser: Browser, target: ResponseTarget, code: string): HttpResponse {
    return this.respond(browser, target, [['code', code]]);
  }

  error(browser: Browser, target: ResponseTarget, code: AuthorizationErrorCode, description: string): HttpResponse {
    return this.respond(browser, target, errorParameters(code, description));
  }

  /**
   * The same, once the person has clicked: for a client that is not vouched for, so that no request that is wrong on purpose
   * takes a browser from here to wherever its sender likes (RFC 9700 §4.11.2).
   */
  heldBackError(
    sent: Browser,
    target: ResponseTarget,
    code: AuthorizationErrorCode,
    description: string,
  ): HttpResponse {
    const { browser, parameters } = this.complete(sent, target, errorParameters(code, description));
    const byQuery = target.responseMode === 'query';
    const url = byQuery ? appendQuery(target.redirectUri, parameters) : target.redirectUri;
    const fields = byQuery ? undefined : Object.fromEntries(parameters);
    return page(renderHeldBackPage, { url, fields, description }, { status: 400, postsAway: !byQuery }).for(browser);
  }

  private respond(sent: Browser, target: ResponseTarget, own: Parameters): HttpResponse {
    const { browser, parameters } = this.complete(sent, target, own);
    if (target.responseMode === 'query') return leave(browser, appendQuery(target.redirectUri, parameters));
    // OAuth 2.0 Form Post Response Mode §2
    const view = { action: target.redirectUri, fields: Object.fromEntries(parameters) };
    return page(renderFormPostPage, view, { postsAway: true }).for(browser);
  }

  private complete(
    sent: Browser,
    target: ResponseTarget,
    own: Parameters,
  ): { readonly browser: Browser; readonly parameters: Parameters } {
    const { browser, state } = sent.withState();
    const all = [
      ...own,
      ['state', target.state],
      ['session_state', sessionStateOf(target.clientId, target.redirectUri, state)],
      ['iss', this.settings.issuer],
    ] as const;
    return { browser, parameters: all.filter((pair): pair is readonly [string, string] => pair[1] !== undefined) };
  }
}

function errorParameters(code: AuthorizationErrorCode, description: string): Parameters {
  return [
    ['error', code],
    ['error_description', description],
  ];
}
