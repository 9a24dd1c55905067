import { Injectable } from '@nestjs/common';
import { InteractionsService } from '../../domain/interactions/interactions.service.js';
import { interactionPath } from '../../platform/oidc/endpoints.js';
import type { Browser } from '../kit/browser.js';
import { redirect, type HttpResponse } from '../kit/http-response.js';
import { keepingCookies } from '../kit/response.interceptor.js';

/** Sends a person who came for their own pages, and is not signed in, to sign in. */
@Injectable()
export class SignInFirst {
  constructor(private readonly interactions: InteractionsService) {}

  /** @throws TooManyRequestsError */
  async respond(browser: Browser, address: string): Promise<HttpResponse> {
    const known = browser.identified();
    return keepingCookies(known, async () => {
      const id = await this.interactions.begin({ kind: 'own_page' }, known.idHash, address);
      return redirect(interactionPath(id)).for(known);
    });
  }
}
