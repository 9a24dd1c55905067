import { Injectable } from '@nestjs/common';
import { isUnverified } from '../../domain/clients/client.js';
import { targetOf } from '../../domain/interactions/authorization-request.js';
import type { AuthorizationOutcome, InteractionStep } from '../../domain/interactions/interaction-flow.service.js';
import type { OwnInteraction } from '../../domain/interactions/interaction.js';
import type { UpstreamProblem } from '../../domain/lifecycle/upstream-interactions.service.js';
import { interactionPath, PATHS } from '../../platform/oidc/endpoints.js';
import { isOnDevice } from '../../platform/oidc/redirect-uri.js';
import type { Browser } from '../kit/browser.js';
import { formPage, redirect, type HttpResponse } from '../kit/http-response.js';
import { clientViewFor, logoOrigins } from '../pages/client-view.js';
import { renderConsentPage } from '../pages/pages.js';
import { accountView } from '../pages/session-view.js';
import { AuthorizationResponses } from './authorization-responses.js';
import { scopeViews } from './scope-words.js';
import { SignInPages, type SignInForm } from './sign-in-pages.js';

/** What each step of an interaction looks like. */
@Injectable()
export class InteractionResponses {
  constructor(
    private readonly signInPages: SignInPages,
    private readonly responses: AuthorizationResponses,
  ) {}

  async step(browser: Browser, interaction: OwnInteraction, step: InteractionStep): Promise<HttpResponse> {
    switch (step.kind) {
      case 'sign_in':
        return this.signIn(browser, interaction, step);
      case 'consent':
        return consentPage(browser, interaction.id, step);
      case 'own_page':
        return redirect(PATHS.sessions).for(browser);
      default:
        return this.answer(browser, step);
    }
  }

  /** Back to the application. */
  answer(browser: Browser, step: AuthorizationOutcome): HttpResponse {
    const target = targetOf(step.request);
    return step.kind === 'code'
      ? this.responses.code(browser, target, step.code)
      : this.responses.error(browser, target, step.code, step.description);
  }

  signIn(browser: Browser, interaction: OwnInteraction, form: SignInForm): Promise<HttpResponse> {
    return this.signInPages.page(browser, interaction, form);
  }

  upstreamProblem(browser: Browser, { interaction, problem, upstreamName }: UpstreamProblem): Promise<HttpResponse> {
    const login = interaction.kind === 'authorize' ? (interaction.request.loginHint ?? '') : '';
    return this.signInPages.page(browser, interaction, { login, problem, upstreamName });
  }
}

function consentPage(
  browser: Browser,
  id: string,
  { client, request, session }: Extract<InteractionStep, { kind: 'consent' }>,
): HttpResponse {
  const view = clientViewFor(client, request.redirectUri);
  return formPage(
    browser,
    renderConsentPage,
    {
      action: `${interactionPath(id)}/consent`,
      client: view,
      verified: !isUnverified(client),
      recipient: isOnDevice(request.redirectUri) ? undefined : new URL(request.redirectUri).host,
      account: accountView(session),
      scopes: scopeViews(request),
      offlineAccess: request.scope.includes('offline_access'),
    },
    { images: view.logoUri === undefined ? [] : logoOrigins(client) },
  );
}
