import { Injectable } from '@nestjs/common';
import type { Client } from '../../domain/clients/client.js';
import { clientView, logoOrigins } from '../pages/client-view.js';
import { HttpEdge, type Response } from '../kit/http-edge.js';
import { PASSWORD_ACR, UPSTREAM_ACR } from '../../platform/oidc/authentication-context.js';
import { renderSignInPage } from '../pages/pages.js';
import type { SignInError } from '../pages/views.js';
import type { SignedInSession } from '../../domain/sessions/session.js';
import { accountView } from '../pages/session-view.js';
import { mayServe, servesEverybody } from '../../domain/upstreams/upstream.js';
import { UpstreamsService } from '../../domain/upstreams/upstreams.service.js';

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

/** What the sign-in page is shown for, and what went wrong with the last attempt. */
export interface SignInPage {
  readonly interactionId: string;
  readonly csrf: string;
  readonly client: Client | undefined;
  /** The ways that will do; undefined: any. */
  readonly acr?: readonly string[] | undefined;
  readonly login: string;
  readonly problem?: SignInError | undefined;
  readonly retryAfterSeconds?: number | undefined;
  readonly upstreamName?: string | undefined;
  readonly reauthenticate?: SignedInSession | undefined;
}

/** Shows the sign-in page: the password form, and the upstreams by which people may come to this client. */
@Injectable()
export class SignInAnswer {
  constructor(
    private readonly upstreams: UpstreamsService,
    private readonly edge: HttpEdge,
  ) {}

  async show(response: Response, page: SignInPage): Promise<void> {
    const { client, problem, reauthenticate } = page;
    const nonce = this.edge.newNonce();
    const path = `/interaction/${page.interactionId}`;
    const html = renderSignInPage({
      nonce,
      csrf: page.csrf,
      action: `${path}/sign-in`,
      login: page.login,
      upstreams: page.acr?.includes(UPSTREAM_ACR) === false ? [] : await this.upstreamLinks(path, client),
      ...(page.acr?.includes(PASSWORD_ACR) === false ? { upstreamsOnly: true } : {}),
      ...(problem === undefined ? {} : { error: problem }),
      ...(page.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: page.retryAfterSeconds }),
      ...(page.upstreamName === undefined ? {} : { upstreamName: page.upstreamName }),
      ...(reauthenticate === undefined ? {} : { reauthenticate: accountView(reauthenticate) }),
      ...(client === undefined ? {} : { client: clientView(client), cancelAction: `${path}/cancel` }),
    });
    this.edge.page(response, html, {
      nonce,
      status: problem === undefined ? 200 : STATUS[problem],
      ...(client === undefined ? {} : { images: logoOrigins(client) }),
    });
  }

  private async upstreamLinks(path: string, client: Client | undefined) {
    const all = await this.upstreams.list();
    return all
      .filter((upstream) => (client === undefined ? servesEverybody(upstream) : mayServe(upstream, client.clientId)))
      .map((upstream) => ({ name: upstream.displayName, url: `${path}/upstream/${upstream.name}` }));
  }
}
