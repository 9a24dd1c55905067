import type { TerminationCause } from './termination-causes.js';
import type { WithoutNotice } from '../termination/without-notice.js';

export type { TerminationCause } from './termination-causes.js';

/** Who asked for it: the person, an application, an operator, or the provider itself on a rule of its own. */
export type LogoutInitiator =
  | { readonly kind: 'user'; readonly accountId: string; readonly clientId?: string }
  | { readonly kind: 'client'; readonly clientId: string }
  | { readonly kind: 'operator'; readonly clientId: string; readonly orderId?: string }
  /** Another provider, by a logout token. */
  | { readonly kind: 'upstream'; readonly issuer: string }
  | { readonly kind: 'system' };

/** What ends. A union, so that "end everything because a field was empty" cannot be written. */
export type LogoutTarget =
  /** The cookie's session; with `sessionId` only if it is that one, such as the one a dialog was shown for. */
  | { readonly kind: 'cookie'; readonly accountId: string; readonly cookieHash: Buffer; readonly sessionId?: string }
  /** By an operator, who knows no account of it; the person's own is `account-session`. */
  | { readonly kind: 'session'; readonly sessionId: string }
  /**
   * One of a person's own sessions: nothing happens when it is another person's
   * (docs/threat-model.md#other-peoples-sessions).
   */
  | { readonly kind: 'account-session'; readonly accountId: string; readonly sessionId: string }
  | { readonly kind: 'account'; readonly accountId: string; readonly exceptSessionId?: string }
  | { readonly kind: 'client'; readonly clientId: string }
  /** What this client was permitted to do without the person; sessions continue. */
  | { readonly kind: 'client-offline'; readonly clientId: string }
  /** What this person permitted this client; their sessions continue. */
  | { readonly kind: 'account-client'; readonly accountId: string; readonly clientId: string }
  /** The least recently seen of a person's sessions, beyond `limit`; never the one that has just begun. */
  | { readonly kind: 'surplus'; readonly accountId: string; readonly newSessionId: string; readonly limit: number }
  /** The session of this person that this client knows by this `sid`. */
  | { readonly kind: 'client-session'; readonly accountId: string; readonly clientId: string; readonly sid: string }
  | { readonly kind: 'grant'; readonly accountId: string; readonly grantId: string }
  /** One application leaves the session, which continues with the others. */
  | {
      readonly kind: 'session-client';
      readonly accountId: string;
      readonly sessionId: string;
      readonly clientId: string;
    }
  /** Sessions that began with this session at another provider; with `sub` only if it was that person's. */
  | {
      readonly kind: 'upstream-session';
      readonly issuer: string;
      readonly sid: string;
      readonly sub?: string | undefined;
    }
  /** Every session that began by way of a registered provider. */
  | { readonly kind: 'upstream'; readonly upstreamId: string }
  /** Every session that this person began by way of another provider. */
  | { readonly kind: 'upstream-subject'; readonly issuer: string; readonly sub: string };

/** Those that any number of people may have to do with. */
export type LargeTarget = Extract<LogoutTarget, { readonly kind: 'client' | 'client-offline' | 'upstream' }>;
/** Those that an order can end instead: also everything of one person, who may be a program with any number of sessions. */
export type OrderableTarget = LargeTarget | Extract<LogoutTarget, { readonly kind: 'account' }>;
/** Those that end in one statement, since they are one person's. */
export type BoundedTarget = Exclude<LogoutTarget, LargeTarget>;

export interface LogoutCommand<Target extends LogoutTarget = BoundedTarget> {
  readonly target: Target;
  readonly cause: TerminationCause;
  readonly initiator: LogoutInitiator;
  /**
   * The session of the person's browser, in which one of our pages is shown once this is done: its frames ask those of
   * the session's applications that registered a front channel (Front-Channel Logout 1.0 §2). Undefined: no such page.
   */
  readonly browserSessionId?: string | undefined;
  /**
   * The client that ordered it in its other role, as a provider that people sign in with: it is not notified of its own
   * order.
   */
  readonly senderClientId?: string | undefined;
  /** What operators call the target, for the record of an order. */
  readonly targetName?: string | undefined;
}

/** What came of it. "Nothing to end" is success in every specification, not an error. */
export type LogoutOutcome =
  | {
      readonly kind: 'ended';
      readonly terminationId: string;
      readonly sessions: number;
      readonly grantsRevoked: number;
      /** How many applications get a notice. */
      readonly deliveries: number;
      /** Those that took part and get none: asked in the browser, or cannot be notified. */
      readonly withoutNotice: readonly WithoutNotice[];
      /** Only those of the session whose browser is there to ask them. */
      readonly frontChannel: readonly FrontChannelParticipant[];
    }
  | { readonly kind: 'nothing_to_end' };

/** There was too much for one statement: all of it is dead, and the job of an order writes the records and notices. */
export interface OrderedLogout {
  readonly kind: 'ordered';
  readonly orderId: string;
}

/**
 * An application that can also be asked by the browser, and the session that this is about (Front-Channel Logout 1.0
 * §2).
 */
export interface FrontChannelParticipant {
  readonly sessionId: string;
  readonly clientId: string;
  /** The session as this client knows it. */
  readonly sid: string;
}
