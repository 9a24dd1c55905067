import { Injectable } from '@nestjs/common';
import { renderOnwardPage } from '../pages/pages.js';
import { HttpEdge, type Response } from './http-edge.js';

/**
 * Sends browsers on to addresses that are not ours: by a redirect, or, in response to one of our forms, by a page that
 * continues by itself.
 *
 * Chromium holds every redirect that follows a form against the `form-action` of the form's page, the application's own
 * redirects among them. No list names them all: the port of the moment (RFC 8252 §7.3), an IPv6 literal, which a source
 * list cannot express, a callback that sends on to another origin. What a page does by itself is no form submission.
 */
@Injectable()
export class Leaving {
  private readonly answersToForms = new WeakSet<Response>();

  constructor(private readonly edge: HttpEdge) {}

  /**
   * This response answers a form on one of our pages. Browsers ask for HTML then and get the page. Programs that send
   * our forms know no `form-action`; they get the `Location` that they follow.
   */
  answersForm(response: Response, accept: string | undefined): void {
    if (/\btext\/html\b/i.test(accept ?? '')) this.answersToForms.add(response);
  }

  /** @param url registered, or made by us: nothing that a browser would run */
  to(response: Response, url: string): void {
    if (!this.answersToForms.has(response)) return this.edge.redirect(response, url);
    const nonce = this.edge.newNonce();
    // Without a delay the page is replaced in the history, so Back does not come here again. One mechanism and no more: a
    // script beside it could bring the application its code twice.
    this.edge.refresh(response, url);
    this.edge.page(response, renderOnwardPage({ nonce, url }), { nonce });
  }
}
