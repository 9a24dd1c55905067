import { Injectable } from '@nestjs/common';
import type { Client } from '../../domain/clients/client.js';
import type { OwnInteraction } from '../../domain/interactions/interaction.js';
import type { SignedInSession } from '../../domain/sessions/session.js';
import { mayServe, servesEverybody } from '../../domain/upstreams/upstream.js';
import { UpstreamsService } from '../../domain/upstreams/upstreams.service.js';
import { PASSWORD_ACR, UPSTREAM_ACR } from '../../platform/oidc/authentication-context.js';
import { interactionPath } from '../../platform/oidc/endpoints.js';
import type { Browser } from '../kit/browser.js';
import { formPage, type HttpResponse } from '../kit/http-response.js';
import { clientView, logoOrigins } from '../pages/client-view.js';
import { renderSignInPage } from '../pages/pages.js';
import { accountView } from '../pages/session-view.js';
import type { SignInError } from '../pages/pages.js';

const STATUS = {
  wrong_credentials: 400,
  missing_fields: 400,
  too_long: 400,
  too_many_attempts: 429,
  busy: 503,
  upstream_unavailable: 503,
  upstream_refused: 400,
  upstream_not_fresh: 400,
  account_unusable: 403,
} as const satisfies Record<SignInError, number>;

/** What is in the form, and what went wrong with the last attempt. */
export interface SignInForm {
  readonly login: string;
  readonly problem?: SignInError | undefined;
  readonly retryAfterSeconds?: number | undefined;
  readonly upstreamName?: string | undefined;
  readonly reauthenticate?: SignedInSession | undefined;
}

/** The sign-in page: the password form, and the upstreams by which people may come to this client. */
@Injectable()
export class SignInPages {
  constructor(private readonly upstreams: UpstreamsService) {}

  async page(browser: Browser, interaction: OwnInteraction, form: SignInForm): Promise<HttpResponse> {
    const { problem, retryAfterSeconds, reauthenticate } = form;
    const { client, acr } = aimOf(interaction);
    const path = interactionPath(interaction.id);
    return formPage(
      browser,
      renderSignInPage,
      {
        action: `${path}/sign-in`,
        login: form.login,
        upstreams: acr?.includes(UPSTREAM_ACR) === false ? [] : await this.upstreamLinks(path, client),
        upstreamsOnly: acr?.includes(PASSWORD_ACR) === false ? true : undefined,
        error: problem,
        retryAfterSeconds,
        upstreamName: form.upstreamName,
        reauthenticate: reauthenticate && accountView(reauthenticate),
        client: client && clientView(client),
        cancelAction: client && `${path}/cancel`,
      },
      {
        status: problem === undefined ? 200 : STATUS[problem],
        retryAfterSeconds,
        images: client && logoOrigins(client),
      },
    );
  }

  private async upstreamLinks(path: string, client: Client | undefined) {
    const all = await this.upstreams.list();
    return all
      .filter((upstream) => (client === undefined ? servesEverybody(upstream) : mayServe(upstream, client.clientId)))
      .map((upstream) => ({ name: upstream.displayName, url: `${path}/upstream/${upstream.name}` }));
  }
}

/** The client that the sign-in is for, and the ways that will do (`acr`; undefined: any). */
function aimOf(interaction: OwnInteraction): {
  readonly client?: Client;
  readonly acr?: readonly string[] | undefined;
} {
  return interaction.kind === 'authorize' ? { client: interaction.client, acr: interaction.request.acr } : {};
}
