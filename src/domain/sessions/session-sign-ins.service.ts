import { Inject, Injectable } from '@nestjs/common';
import type { InteractionRow } from '../interactions/interactions.sql.js';
import type { AuditedRow } from '../../platform/audit/audit.sql.js';
import { Clock } from '../../platform/clock/clock.js';
import { newId } from '../../platform/clock/time-ordered-id.js';
import { SETTINGS, type Settings } from '../../platform/config/settings.js';
import { TransactionRunner, type Tx } from '../../platform/database/transaction.js';
import { FEDERATED_AMR } from '../../platform/oidc/authentication-context.js';
import { sha256 } from '../../platform/oidc/secret.js';
import { SessionLimit } from './ports/session-limit.js';
import type { CreatedWithin, SignInOfSession } from './session-begin.sql.js';
import { SessionSignInRepository } from './session-sign-in.repository.js';
import { SessionRouting } from './session-routing.js';
import type { Browser, SignedInSession } from './session.js';

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

/** The same, with what pages say about the person. */
export type PersonAtSignIn = AuthenticatedAccount & Pick<SignedInSession, 'login' | 'claims'>;

/** A session that is to begin by one statement. */
export interface PreparedSession {
  readonly started: StartedSession;
  readonly signIn: SignInOfSession;
  /** As it is going to be written, so that it need not be looked up by its cookie. */
  readonly session: SignedInSession;
}

/** Begins sessions, and continues them by another proof of who is there. */
@Injectable()
export class SessionSignIns {
  constructor(
    private readonly transactions: TransactionRunner,
    private readonly repository: SessionSignInRepository,
    private readonly limit: SessionLimit,
    private readonly routing: SessionRouting,
    private readonly clock: Clock,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

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

  /** As {@link begin}, for {@link beginWithin}. Undefined: it takes a transaction, since sessions are limited. */
  prepare(account: PersonAtSignIn, amr: readonly string[], browser: Browser): PreparedSession | undefined {
    if (this.settings.maxSessionsPerAccount > 0) return undefined;
    const cookie = this.routing.newCookie(account.id);
    const signIn = this.signIn(newId(), cookie, { account, amr, browser, authTime: undefined });
    return { started: { sessionId: signIn.sessionId, cookie }, signIn, session: asWritten(signIn, account) };
  }

  /**
   * Begins it within an interaction that has no row yet: one statement writes the session, that row and the record of the
   * sign-in, or nothing.
   */
  beginWithin({ signIn }: PreparedSession, interaction: InteractionRow, record: AuditedRow): Promise<CreatedWithin> {
    return this.repository.createWithin(signIn, interaction, record);
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
    const cookie = this.routing.newCookie(account.id);
    const signIn = this.signIn(sessionId, cookie, { account, amr, browser, authTime });
    return (await this.repository.reauthenticate(tx, signIn)) ? { sessionId, cookie } : undefined;
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
    const sessionId = newId();
    const cookie = this.routing.newCookie(proof.account.id);
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

/** A session that has just begun by our own sign-in: no application takes part in it, and it serves them all. */
function asWritten(signIn: SignInOfSession, { login, claims }: PersonAtSignIn): SignedInSession {
  return {
    id: signIn.sessionId,
    accountId: signIn.accountId,
    authenticatedAt: signIn.now,
    amr: signIn.amr,
    createdAt: signIn.now,
    lastSeenAt: signIn.now,
    expiresAt: signIn.expiresAt,
    address: signIn.address,
    userAgent: signIn.userAgent,
    terminatedAt: null,
    terminationId: null,
    login,
    claims,
    clientCount: 0,
    upstreamId: undefined,
    serves: true,
  };
}
