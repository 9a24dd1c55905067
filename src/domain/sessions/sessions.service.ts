import { Inject, Injectable } from '@nestjs/common';
import { v7 as uuid } from 'uuid';
import { DAY } from '../../platform/clock/durations.js';
import { Clock } from '../../platform/clock/clock.js';
import { SETTINGS, type Settings } from '../../platform/config/settings.js';
import { TransactionRunner, type Tx } from '../../platform/database/transaction.js';
import { FEDERATED_AMR } from '../../platform/oidc/authentication-context.js';
import { newSecret, sha256 } from '../../platform/oidc/secret.js';
import { SessionActivity } from './session-activity.js';
import { SessionLimit } from './ports/session-limit.js';
import { SessionRepository, type FoundByCookie, type SignInOfSession } from './session.repository.js';
import type { Browser, SignedInSession, UpstreamLink } from './session.js';

const USER_AGENT_LENGTH = 500;

export interface StartedSession {
  readonly sessionId: string;
  /** The value of the cookie: only its hash is kept. */
  readonly cookie: string;
}

/** What a sign-in proved: the account, and the password it was proved with by the time that was set. */
export interface AuthenticatedAccount {
  readonly id: string;
  readonly passwordChangedAt: Date | null;
}

/** Browser sessions: begin, find by cookie, list. They end only through `LogoutService`. */
@Injectable()
export class SessionsService {
  constructor(
    private readonly transactions: TransactionRunner,
    private readonly repository: SessionRepository,
    private readonly activity: SessionActivity,
    private readonly limit: SessionLimit,
    private readonly clock: Clock,
    @Inject(SETTINGS) private readonly settings: Settings,
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
    const found = await this.repository.findByCookie(sha256(cookie), options);
    if (found !== undefined) this.activity.note(found.session.id);
    return found;
  }

  /**
   * The session that a cookie named until it ended, in the last day. Asked once {@link findByCookie} found none: it
   * does not sign the person in, it says whose browser this was.
   */
  async findEndedByCookie(
    cookie: string | undefined,
  ): Promise<{ readonly id: string; readonly terminationId: string | null } | undefined> {
    return isPlausible(cookie) ? this.repository.findEndedByCookie(sha256(cookie), this.clock.in(-DAY)) : undefined;
  }

  /**
   * Begins a session for a person who has just proved who they are. Undefined when the account was disabled, deleted or
   * given another password since that proof. Where concurrent sessions are limited, those beyond the limit end in the
   * same transaction: however many people sign in at once, and whichever way they come.
   *
   * @param authTime when an upstream says that it asked the person; undefined: now
   */
  async begin(
    account: AuthenticatedAccount,
    amr: readonly string[],
    browser: Browser,
    tx?: Tx,
    authTime?: Date,
  ): Promise<StartedSession | undefined> {
    const proof = { account, amr, browser, authTime };
    if (this.settings.maxSessionsPerAccount === 0) return this.create(tx, proof);
    if (tx !== undefined) return this.createWithinLimit(tx, proof);
    return this.transactions.run((own) => this.createWithinLimit(own, proof));
  }

  /** The person proved again who they are: same session, same `sid`s, new cookie, new `auth_time`. */
  async reauthenticate(
    sessionId: string,
    account: AuthenticatedAccount,
    amr: readonly string[],
    browser: Browser,
    tx?: Tx,
    authTime?: Date,
  ): Promise<StartedSession | undefined> {
    const cookie = newSecret();
    const signIn = this.signIn(sessionId, cookie, { account, amr, browser, authTime });
    return (await this.repository.reauthenticate(tx, signIn)) ? { sessionId, cookie } : undefined;
  }

  /** Keeps how the person came in, so that a logout at either side finds the other. The last sign-in at an issuer counts. */
  async rememberUpstream(tx: Tx, sessionId: string, link: UpstreamLink): Promise<void> {
    await this.repository.rememberUpstream(tx, sessionId, link);
  }

  /** By which upstream the person came last, also of a session that has ended. */
  async findUpstream(sessionId: string): Promise<UpstreamLink | undefined> {
    return this.repository.findUpstream(sessionId);
  }

  /** Whether the client knows this very session by this `sid`. */
  async isKnownAs(sessionId: string, clientId: string, sid: string): Promise<boolean> {
    return this.repository.isKnownAs(sessionId, clientId, sid);
  }

  /** Whether the session that the client knows by this `sid` is alive, in whichever browser. */
  async isLiveAs(clientId: string, sid: string): Promise<boolean> {
    return this.repository.isLiveAs(clientId, sid);
  }

  private async createWithinLimit(tx: Tx, proof: Proof): Promise<StartedSession | undefined> {
    // One after the other: two that did not see each other's session would both stay within the limit.
    await this.repository.lockAccount(tx, proof.account.id);
    const started = await this.create(tx, proof);
    if (started !== undefined)
      await this.limit.enforce(tx, proof.account.id, started.sessionId, this.settings.maxSessionsPerAccount);
    return started;
  }

  private async create(tx: Tx | undefined, proof: Proof): Promise<StartedSession | undefined> {
    const sessionId = uuid();
    const cookie = newSecret();
    const created = await this.repository.create(tx, this.signIn(sessionId, cookie, proof));
    return created ? { sessionId, cookie } : undefined;
  }

  private signIn(sessionId: string, cookie: string, { account, amr, browser, authTime }: Proof): SignInOfSession {
    const now = this.clock.now();
    return {
      sessionId,
      accountId: account.id,
      passwordChangedAt: account.passwordChangedAt,
      cookieHash: sha256(cookie),
      amr,
      now,
      idleExpiresAt: this.clock.in(this.settings.sessionIdleMs),
      expiresAt: this.clock.in(this.settings.sessionTtlMs),
      address: browser.address,
      userAgent: browser.userAgent?.slice(0, USER_AGENT_LENGTH) ?? null,
      ownSignInAt: amr.includes(FEDERATED_AMR) ? null : now,
      upstreamAuthTime: authTime ?? null,
    };
  }
}

/** What a sign-in proved, and how. */
interface Proof {
  readonly account: AuthenticatedAccount;
  readonly amr: readonly string[];
  readonly browser: Browser;
  readonly authTime: Date | undefined;
}

/** Anything else is no cookie that was set here, and not worth a round trip. */
function isPlausible(cookie: string | undefined): cookie is string {
  return cookie !== undefined && cookie !== '' && cookie.length <= 200;
}
