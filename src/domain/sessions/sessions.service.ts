import { Injectable } from '@nestjs/common';
import { DAY } from '../../platform/clock/durations.js';
import { Clock } from '../../platform/clock/clock.js';
import type { Tx } from '../../platform/database/transaction.js';
import { SessionActivity } from './session-activity.js';
import { SessionRepository, type FoundByCookie } from './session.repository.js';
import type { EndedSession, SessionKey, SignedInSession, UpstreamLink } from './session.js';

/**
 * Browser sessions: found by cookie, and what is known of them. `SessionSignIns` begins them; they end only through
 * `LogoutService`.
 */
@Injectable()
export class SessionsService {
  constructor(
    private readonly repository: SessionRepository,
    private readonly activity: SessionActivity,
    private readonly clock: Clock,
  ) {}

  /**
   * The live session that a cookie names. One round trip; counts as activity.
   * @param clientId the client that it is to serve, for {@link SignedInSession.serves}; undefined: every client
   */
  async findByCookie(cookie: string | undefined, clientId?: string): Promise<SignedInSession | undefined> {
    return (await this.findCookie(cookie, { clientId }))?.session;
  }

  /**
   * As {@link findByCookie}, with the applications in it and how each would learn of its end by `cause` in this
   * browser.
   */
  async findByCookieWithApplications(cookie: string | undefined, cause: string): Promise<FoundByCookie | undefined> {
    return this.findCookie(cookie, { cause });
  }

  private async findCookie(
    cookie: string | undefined,
    options: { readonly clientId?: string | undefined; readonly cause?: string },
  ): Promise<FoundByCookie | undefined> {
    if (!isPlausible(cookie)) return undefined;
    const found = await this.repository.findByCookie(cookie, options);
    if (found !== undefined) this.activity.note({ accountId: found.session.accountId, sessionId: found.session.id });
    return found;
  }

  /**
   * The session that a cookie named until it ended, in the last day. Asked once {@link findByCookie} found none: it
   * does not sign the person in, it says whose browser this was.
   */
  async findEndedByCookie(cookie: string | undefined): Promise<EndedSession | undefined> {
    return isPlausible(cookie) ? this.repository.findEndedByCookie(cookie, this.clock.in(-DAY)) : undefined;
  }

  /** Keeps how the person came in, so that a logout at either side finds the other. The last sign-in at an issuer counts. */
  async rememberUpstream(tx: Tx, session: SessionKey, link: UpstreamLink): Promise<void> {
    await this.repository.rememberUpstream(tx, session, link);
  }

  /** By which upstream the person came last, also of a session that has ended. */
  async findUpstream(session: SessionKey): Promise<UpstreamLink | undefined> {
    return this.repository.findUpstream(session);
  }

  /** Whether the client knows this very session by this `sid`. */
  async isKnownAs(session: SessionKey, clientId: string, sid: string): Promise<boolean> {
    return this.repository.isKnownAs(session, clientId, sid);
  }

  /** Whether the session of this person that the client knows by this `sid` is alive, in whichever browser. */
  async isLiveAs(accountId: string, clientId: string, sid: string): Promise<boolean> {
    return this.repository.isLiveAs(accountId, clientId, sid);
  }
}

/** Anything else is no cookie that was set here, and not worth a round trip. */
function isPlausible(cookie: string | undefined): cookie is string {
  return cookie !== undefined && cookie !== '' && cookie.length <= 200;
}
