import { Inject, Injectable } from '@nestjs/common';
import { SETTINGS, type Settings } from '../../platform/config/settings.js';
import { newSecret } from '../../platform/oidc/secret.js';

/** Cookies that no script sees. */
export type SecretCookieName = 'session' | 'browser' | 'console';
export type CookieName = SecretCookieName | 'browser_state';
/** What a request brought along, by the names on the wire. */
export type RequestCookies = Readonly<Record<string, unknown>> | undefined;

/** A cookie as a response sets it; `value` is empty where it removes it. */
export interface SetCookie {
  readonly cookie: CookieName;
  /** On the wire. */
  readonly name: string;
  readonly value: string;
  readonly attributes: {
    readonly httpOnly: boolean;
    readonly secure: boolean;
    readonly sameSite: 'lax' | 'none';
    readonly path: '/';
    /** In seconds; undefined: until the browser is closed. */
    readonly maxAge?: number;
  };
}

/** Names and attributes of our cookies: all of them for this host alone. */
@Injectable()
export class CookiePolicy {
  private readonly secure: boolean;
  private readonly sessionTtlMs: number;

  constructor(@Inject(SETTINGS) settings: Settings) {
    this.secure = settings.issuer.startsWith('https:');
    this.sessionTtlMs = settings.sessionTtlMs;
  }

  /** `__Host-` on https: no subdomain can set or read it (docs/threat-model.md#cookies-of-subdomains). */
  nameOf(cookie: CookieName): string {
    return this.secure ? `__Host-exeunt_${cookie}` : `exeunt_${cookie}`;
  }

  read(sent: RequestCookies, cookie: CookieName): string | undefined {
    const value = sent?.[this.nameOf(cookie)];
    return typeof value === 'string' && value !== '' ? value : undefined;
  }

  /** @param maxAgeMs undefined: until the browser is closed */
  secret(cookie: SecretCookieName, value: string, maxAgeMs: number | undefined): SetCookie {
    const maxAge = maxAgeMs === undefined ? {} : { maxAge: Math.floor(maxAgeMs / 1000) };
    return {
      cookie,
      name: this.nameOf(cookie),
      value,
      attributes: { httpOnly: true, secure: this.secure, sameSite: 'lax', path: '/', ...maxAge },
    };
  }

  session(value: string): SetCookie {
    return this.secret('session', value, this.sessionTtlMs);
  }

  /**
   * The browser state of Session Management 1.0 §3.2: random, known to our own scripts, and nothing about the session can
   * be learned from it. Replaced and never removed: no state at all would look like a browser that keeps it from us. The
   * frame that reads it belongs to a foreign page, so it is `SameSite=None`, which browsers take with `Secure` only; on
   * http, which is for loopback, `Lax` still serves applications on the same host.
   */
  newBrowserState(): SetCookie {
    return {
      cookie: 'browser_state',
      name: this.nameOf('browser_state'),
      value: newSecret(),
      attributes: {
        httpOnly: false,
        secure: this.secure,
        sameSite: this.secure ? 'none' : 'lax',
        path: '/',
        maxAge: Math.floor(this.sessionTtlMs / 1000),
      },
    };
  }
}
