import { Cookies, Injectable, type PipeTransform } from '@nestjs/common';
import { ForbiddenFormError } from './form-error.js';
import { Sealer } from '../../platform/keys/sealer.js';
import { newSecret, sha256 } from '../../platform/oidc/secret.js';
import type { WayOn } from '../../platform/oidc/ways-on.js';
import type { SessionApplication, SignedInSession } from '../../domain/sessions/session.js';
import { SessionsService } from '../../domain/sessions/sessions.service.js';
import {
  CookiePolicy,
  type CookieName,
  type RequestCookies,
  type SecretCookieName,
  type SetCookie,
} from './cookies.js';

const CSRF = 'csrf';

/** What a {@link Browser} needs to know itself by. */
export interface BrowserMeans {
  readonly policy: CookiePolicy;
  readonly sealer: Sealer;
  readonly sessions: SessionsService;
}

/** A browser that has an id. */
export type IdentifiedBrowser = Browser & {
  readonly id: string;
  readonly idHash: Buffer;
  readonly csrfToken: string;
};

/**
 * The browser of one request: the cookies that it sent, and what the response changes of them. Immutable: each change
 * makes another browser, which a response takes along (`HttpResponse.for`), so no cookie is set by the way.
 *
 * It is known again by a random cookie that says nothing about a person. Interactions are bound to it, and every form
 * carries a MAC over it, so that no other site can post our forms in a person's name.
 */
export class Browser {
  constructor(
    private readonly means: BrowserMeans,
    private readonly sent: RequestCookies,
    /** In the order in which they were made. */
    readonly changes: readonly SetCookie[] = [],
    /** The request is one of our forms, sent from one of our pages. */
    readonly sentForm = false,
  ) {}

  /** A cookie's value as it is once the response has arrived. */
  cookie(name: CookieName): string | undefined {
    const changed = this.changes.findLast(({ cookie }) => cookie === name);
    if (changed === undefined) return this.means.policy.read(this.sent, name);
    return changed.value === '' ? undefined : changed.value;
  }

  /**
   * The live session of this browser: the one way to it. One round trip; counts as activity.
   * @param clientId the client that it is to serve, for `SignedInSession.serves`; undefined: every client
   */
  session(clientId?: string): Promise<SignedInSession | undefined> {
    return this.means.sessions.findByCookie(this.cookie('session'), clientId);
  }

  /** As {@link session}, with the applications in it and how each would be notified of its end by `cause` here. */
  sessionWithApplications(
    cause: string,
  ): Promise<{ readonly session: SignedInSession; readonly applications: readonly SessionApplication[] } | undefined> {
    return this.means.sessions.findByCookieWithApplications(this.cookie('session'), cause);
  }

  get id(): string | undefined {
    return this.cookie('browser');
  }

  /** What is stored of the id. */
  get idHash(): Buffer | undefined {
    return this.id === undefined ? undefined : sha256(this.id);
  }

  /** For the forms of its pages. */
  get csrfToken(): string | undefined {
    return this.id === undefined ? undefined : this.means.sealer.mac(CSRF, this.id);
  }

  isIdentified(): this is IdentifiedBrowser {
    return this.id !== undefined;
  }

  /** This browser, with a new id where it had none. */
  identified(): IdentifiedBrowser {
    const browser = this.isIdentified() ? this : this.with(this.means.policy.secret('browser', newSecret(), undefined));
    return browser as IdentifiedBrowser;
  }

  /**
   * @param token as the form sent it back
   * @param way to the page whose form it is
   * @returns this browser, as one that sent one of our forms
   * @throws ForbiddenFormError when the form was not ours, or the browser sends no cookies
   */
  submitted(token: string | undefined, way?: WayOn): IdentifiedBrowser {
    const { id } = this;
    if (id === undefined || token === undefined || !this.means.sealer.isMac(CSRF, id, token))
      throw new ForbiddenFormError(way === undefined ? [] : [way]);
    return new Browser(this.means, this.sent, this.changes, true) as IdentifiedBrowser;
  }

  /** With the cookie of a session that has begun; the browser state changes with it, so no way of signing in can forget it. */
  signedIn(cookie: string): Browser {
    return this.with(this.means.policy.session(cookie)).withNewState();
  }

  /** Without the session's cookie, and with another browser state. */
  signedOut(): Browser {
    return this.with(this.means.policy.secret('session', '', 0)).withNewState();
  }

  /** With another cookie that no script sees. */
  withSecret(name: SecretCookieName, value: string, maxAgeMs: number | undefined): Browser {
    return this.with(this.means.policy.secret(name, value, maxAgeMs));
  }

  without(name: SecretCookieName): Browser {
    return this.with(this.means.policy.secret(name, '', 0));
  }

  /** Frames of session management ask again (Session Management 1.0 §3.2). */
  withNewState(): Browser {
    return this.with(this.means.policy.newBrowserState());
  }

  /** The browser state as it is once the response has arrived; new where the browser sent none. */
  withState(): { readonly browser: Browser; readonly state: string } {
    const state = this.cookie('browser_state');
    if (state !== undefined) return { browser: this, state };
    const fresh = this.means.policy.newBrowserState();
    return { browser: this.with(fresh), state: fresh.value };
  }

  private with(...changes: readonly SetCookie[]): Browser {
    return new Browser(this.means, this.sent, [...this.changes, ...changes], this.sentForm);
  }
}

/** Makes the {@link Browser} of a request's cookies. */
@Injectable()
export class Browsers {
  private readonly means: BrowserMeans;

  constructor(policy: CookiePolicy, sealer: Sealer, sessions: SessionsService) {
    this.means = { policy, sealer, sessions };
  }

  of(cookies: RequestCookies): Browser {
    return new Browser(this.means, cookies);
  }
}

@Injectable()
class BrowserPipe implements PipeTransform<RequestCookies, Browser> {
  constructor(private readonly browsers: Browsers) {}

  transform(cookies: RequestCookies): Browser {
    return this.browsers.of(cookies);
  }
}

/** The parameter of a handler that is the {@link Browser} of its request. */
export function CurrentBrowser(): ParameterDecorator {
  return Cookies(BrowserPipe);
}
