/**
 * What each page shows. A view holds decisions that are already made, in the words of the domain; the page only finds
 * the sentences. Whatever comes from outside (names, addresses, URLs) is passed as received: the pages escape it.
 */
export interface ClientView {
  readonly name: string;
  readonly logoUri?: string | undefined;
  readonly clientUri?: string | undefined;
  readonly policyUri?: string | undefined;
  readonly tosUri?: string | undefined;
}

export interface AccountView {
  readonly login: string;
  readonly name?: string | undefined;
}

/** Another provider that people sign in with, by the name they know it by. */
export interface UpstreamView {
  readonly name: string;
}

export interface PageView {
  /** The nonce of this response's Content-Security-Policy, for the one style element and the one script. */
  readonly nonce: string;
}

export interface FormView extends PageView {
  readonly action: string;
  /** Sent back as the hidden input `csrf`. */
  readonly csrf: string;
}

export interface ScopeView {
  readonly name: string;
  readonly description: string;
}

/** An application by its name, with its own page where that is known. */
export interface ApplicationLinkView {
  readonly name: string;
  readonly url?: string | undefined;
}

/** A page that follows along: by server-sent events, or by a link where there is no script. */
export interface LiveView {
  readonly eventsUrl: string;
  readonly reloadUrl: string;
}

/** The operator who looks at the console, and how they leave. */
export interface ConsoleView extends PageView {
  readonly operator: string;
  readonly csrf: string;
  readonly signOutAction: string;
}

export type NoticeState = 'pending' | 'delivered' | 'rejected' | 'abandoned';

export type NoticeCounts = Readonly<Record<NoticeState, number>>;

/** In seconds, from the decision to the acceptance. */
export interface LatencyView {
  readonly p50: number;
  readonly p95: number;
}

export interface ConsoleTerminationView {
  readonly url: string;
  readonly at: Date;
  readonly cause: string;
  readonly initiator: string;
  readonly sessions: number;
  readonly grantsRevoked: number;
  /** Notices; `asked` and `notNotified` are applications without one. */
  readonly notices: number;
  readonly asked: number;
  readonly notNotified: number;
  readonly receipted: boolean;
}
