import { Injectable } from '@nestjs/common';
import { ForbiddenFormError } from './form-error.js';
import { Sealer } from '../../platform/keys/sealer.js';
import { newSecret, sha256 } from '../../platform/oidc/secret.js';
import type { WayOn } from '../../platform/oidc/ways-on.js';
import { HttpEdge, type Cookies, type Response } from './http-edge.js';

const CSRF = 'csrf';

/**
 * Knows a browser again: a random cookie that says nothing about a person. Interactions are bound to it, and every form
 * carries a MAC over it, so that no other site can post our forms in a person's name.
 */
@Injectable()
export class BrowserIdentity {
  constructor(
    private readonly edge: HttpEdge,
    private readonly sealer: Sealer,
  ) {}

  /** The browser's id, a new one when it has none yet. */
  ensure(response: Response, cookies: Cookies): string {
    const known = this.edge.cookie(cookies, 'browser');
    if (known !== undefined) return known;
    const id = newSecret();
    this.edge.setCookie(response, 'browser', id, undefined);
    return id;
  }

  find(cookies: Cookies): string | undefined {
    return this.edge.cookie(cookies, 'browser');
  }

  hash(browserId: string): Buffer {
    return sha256(browserId);
  }

  csrfToken(browserId: string): string {
    return this.sealer.mac(CSRF, browserId);
  }

  /**
   * @param way to the page whose form it is
   * @throws ForbiddenFormError when the form was not ours, or the browser sends no cookies
   */
  checkCsrf(cookies: Cookies, token: string | undefined, way?: WayOn): string {
    const browserId = this.find(cookies);
    if (browserId === undefined || token === undefined || !this.sealer.isMac(CSRF, browserId, token))
      throw new ForbiddenFormError(way === undefined ? [] : [way]);
    return browserId;
  }
}
