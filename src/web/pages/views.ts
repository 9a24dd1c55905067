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

interface Base {
  /** The nonce of this response's Content-Security-Policy, for the one style element and the one script. */
  readonly nonce: string;
}

export interface FormView extends Base {
  readonly action: string;
  /** Sent back as the hidden input `csrf`. */
  readonly csrf: string;
}

export type SignInError =
  | 'wrong_credentials'
  | 'too_many_attempts'
  | 'busy'
  | 'missing_fields'
  | 'too_long'
  | 'upstream_unavailable'
  | 'upstream_refused'
  | 'upstream_not_fresh'
  | 'account_unusable';

export interface SignInView extends FormView {
  /** What was typed last time, or the `login_hint`; empty at first. */
  readonly login: string;
  readonly client?: ClientView | undefined;
  readonly error?: SignInError | undefined;
  /** With `too_many_attempts`: how long the person has to wait. */
  readonly retryAfterSeconds?: number | undefined;
  /** Set when a person is signed in but has to prove it again (`prompt=login`, `max_age`). */
  readonly reauthenticate?: AccountView | undefined;
  /**
   * Other ways to sign in. Each `url` is one of our own addresses, from where the browser continues to the provider.
   */
  readonly upstreams?: ReadonlyArray<UpstreamView & { readonly url: string }> | undefined;
  /** A password will not do: the application demands another provider's word. */
  readonly upstreamsOnly?: boolean | undefined;
  /** With `upstream_unavailable`, `upstream_refused` and `upstream_not_fresh`: the provider it is about. */
  readonly upstreamName?: string | undefined;
  /** Where a second form posts when the person would rather go back without signing in. */
  readonly cancelAction?: string | undefined;
}

export interface ScopeView {
  readonly name: string;
  readonly description: string;
}

export interface ConsentView extends FormView {
  readonly client: ClientView;
  /** An administrator of this service has registered it or vouched for it. */
  readonly verified: boolean;
  /** The host that gets the answer; undefined: an application on this device. */
  readonly recipient: string | undefined;
  readonly account: AccountView;
  readonly scopes: ReadonlyArray<ScopeView>;
  /** The application asks to keep its access after the person has signed out (OpenID Connect Core 1.0 §11). */
  readonly offlineAccess: boolean;
}

/** An application by its name, with its own page where that is known. */
export interface ApplicationLinkView {
  readonly name: string;
  readonly url?: string | undefined;
}

export type LogoutNotice =
  | 'other_account'
  | 'hint_mismatch'
  | 'unknown_request'
  /** Who asked is known; the address that it named is not one of its own. */
  | 'unregistered_address';

export interface LogoutConfirmationView extends FormView {
  /** Opaque sealed value, sent back as the hidden input `request`. */
  readonly request: string;
  /** Undefined: no session in this browser. */
  readonly account?: AccountView | undefined;
  /** The application that asked, when a verified hint names it. */
  readonly client?: ClientView | undefined;
  /** How many applications took part in this session and will be notified, or asked in this browser. */
  readonly applications: number;
  /** How many of these are asked in this browser, by frames. */
  readonly asked?: number | undefined;
  /** Those that took part and cannot be notified; `url`: where the person may sign out there. */
  readonly cannotTell?: ReadonlyArray<ApplicationLinkView> | undefined;
  /** Whichever way the person decides, the browser then goes back to the application. */
  readonly returnsToClient: boolean;
  /** An application that is named and not verified: the page after the person's choice has a link to it. */
  readonly linksTo?: string | undefined;
  /** The application that asked takes part in this session, so it can be left alone. */
  readonly mayLeaveClient?: boolean | undefined;
  /** The provider that signed this person in, if it can be asked to end its own session: a choice in the form. */
  readonly upstream?: UpstreamView | undefined;
  readonly notice?: LogoutNotice | undefined;
}

/** `asked`: by a frame in this browser, which cannot say what came of it. `not_told`: there is no way to tell it. */
export type ApplicationState = 'confirmed' | 'asked' | 'pending' | 'unreachable' | 'not_told';

export interface SignedOutApplicationView extends ApplicationLinkView {
  readonly state: ApplicationState;
}

/** A page that follows along: by server-sent events, or by a link where there is no script. */
export interface LiveView {
  readonly eventsUrl: string;
  readonly reloadUrl: string;
}

export interface SignedOutView extends Base {
  readonly alreadySignedOut: boolean;
  readonly applications: ReadonlyArray<SignedOutApplicationView>;
  /** Left alone: the session continues, without this application. Whose it is, where that is still known. */
  readonly leftClient?: { readonly client: ClientView; readonly account?: AccountView | undefined } | undefined;
  /** Every session of the person ended, in all browsers. */
  readonly everywhere?: boolean | undefined;
  /** Loaded out of sight, to ask applications in this browser (Front-Channel Logout 1.0 §3). The policy must name them. */
  readonly frames?: ReadonlyArray<{ readonly name: string; readonly url: string }> | undefined;
  /** With frames: where the page continues by itself when they have loaded, or by then. */
  readonly onward?: { readonly url: string; readonly afterMs: number } | undefined;
  readonly continueTo?: { readonly url: string; readonly clientName: string } | undefined;
  /** The provider that had signed this person in and was not asked to end its own session; `url` asks it. */
  readonly upstream?: (UpstreamView & { readonly url: string }) | undefined;
  /** Where it can be followed, as long as something is pending. */
  readonly live?: LiveView | undefined;
  /** The name of the provider from whose sign-out the browser came back. Whether it did sign out, we do not know. */
  readonly returnedFromUpstream?: string | undefined;
}

export interface StillSignedInView extends Base {
  readonly account: AccountView;
  readonly client?: ClientView | undefined;
  readonly continueTo?: { readonly url: string; readonly clientName: string } | undefined;
}

export interface SessionView {
  readonly id: string;
  readonly endAction: string;
  /** The session of the browser that looks at the page. */
  readonly current: boolean;
  /** See `deviceName`. */
  readonly device: string;
  readonly address?: string | undefined;
  readonly signedInAt: Date;
  readonly lastSeenAt: Date;
  readonly applications: readonly string[];
}

export type SessionsFlash = 'session_ended' | 'others_ended' | 'nothing_to_end';

export interface SessionsView extends Base {
  readonly csrf: string;
  readonly account: AccountView;
  readonly endOthersAction: string;
  readonly signOutUrl: string;
  readonly applicationsUrl: string;
  readonly sessions: ReadonlyArray<SessionView>;
  readonly flash?: SessionsFlash | undefined;
  /** With `flash`: applications of what has ended that cannot be notified. */
  readonly cannotTell?: ReadonlyArray<ApplicationLinkView> | undefined;
}

/** An application that the person allowed something. */
export interface ApplicationView {
  readonly clientId: string;
  readonly client: Pick<ClientView, 'name'>;
  readonly scopes: ReadonlyArray<ScopeView>;
  readonly grantedAt: Date;
}

export type ApplicationsFlash = 'withdrawn' | 'nothing_to_withdraw';

export interface ApplicationsView extends Base {
  readonly csrf: string;
  readonly account: AccountView;
  readonly withdrawAction: string;
  readonly sessionsUrl: string;
  readonly applications: ReadonlyArray<ApplicationView>;
  readonly flash?: ApplicationsFlash | undefined;
}

export interface ErrorView extends Base {
  readonly status: number;
  readonly title: string;
  readonly message: string;
  readonly whatNow?: string | undefined;
  readonly requestId: string;
  /** Links with which the person can continue, the best one first: our own pages, or web addresses. */
  readonly ways?: ReadonlyArray<{ readonly url: string; readonly label: string }> | undefined;
  /** The protocol's error code, for those who have to look into it. */
  readonly code?: string | undefined;
}

export interface FormPostView extends Base {
  readonly action: string;
  readonly fields: Readonly<Record<string, string>>;
}

export interface HeldBackView extends Base {
  readonly url: string;
  /** To be posted; undefined: the address says it all. */
  readonly fields?: Readonly<Record<string, string>> | undefined;
  readonly description: string;
}

export interface OnwardView extends Base {
  readonly url: string;
}

export interface HomeView extends Base {
  readonly issuer: string;
  /** Undefined: it is not served. */
  readonly docsUrl?: string | undefined;
  readonly sessionsUrl: string;
  readonly signedInAs?: AccountView | undefined;
}

/** The operator who looks at the console, and how they leave. */
interface ConsoleView extends Base {
  readonly operator: string;
  readonly csrf: string;
  readonly signOutAction: string;
}

export interface ConsoleSignInView extends Base {
  readonly csrf: string;
  readonly accountAction: string;
  readonly clientAction: string;
  /** What was typed last time, or who is signed in. */
  readonly login: string;
  readonly clientId: string;
  /** Which of the two forms the problem is about. */
  readonly problem?:
    | {
        readonly form: 'account' | 'client';
        readonly kind: SignInError | 'not_an_operator' | 'stale';
        readonly retryAfterSeconds?: number | undefined;
        /** With `not_an_operator`: who is signed in. */
        readonly name?: string | undefined;
      }
    | undefined;
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
  /** Notices; `asked` and `notTold` are applications without one. */
  readonly notices: number;
  readonly asked: number;
  readonly notTold: number;
  readonly receipted: boolean;
}

/** What changes while an operator looks on. */
export interface ConsoleOverviewFigures {
  readonly at: Date;
  readonly counts: NoticeCounts;
  readonly latency: LatencyView | undefined;
  readonly oldestPendingAt: Date | undefined;
  readonly hours: ReadonlyArray<{
    readonly startsAt: Date;
    readonly counts: NoticeCounts;
    readonly latency: LatencyView | undefined;
  }>;
  readonly applications: ReadonlyArray<{
    readonly name: string;
    readonly clientId: string;
    readonly counts: NoticeCounts;
    readonly latency: LatencyView | undefined;
    readonly oldestPendingAt: Date | undefined;
  }>;
  /** Applications that are left out. */
  readonly moreApplications: number;
  readonly failures: ReadonlyArray<{
    readonly url: string;
    readonly application: string;
    readonly state: NoticeState;
    readonly at: Date;
    readonly error: string | undefined;
  }>;
  readonly terminations: readonly ConsoleTerminationView[];
  readonly olderUrl: string | undefined;
}

export interface ConsoleOverviewView extends ConsoleView {
  readonly figures: ConsoleOverviewFigures;
  /** Undefined on pages of older terminations, which do not change. */
  readonly live: LiveView | undefined;
}

export interface ConsoleTimelineFigures extends ConsoleTerminationView {
  readonly id: string;
  readonly account: string | undefined;
  readonly deliveries: ReadonlyArray<{
    readonly application: string;
    readonly clientId: string;
    readonly state: NoticeState;
    readonly attemptsMade: number;
    readonly nextAttemptAt: Date | undefined;
    readonly finishedAt: Date | undefined;
    readonly attempts: ReadonlyArray<{
      readonly number: number;
      readonly startedAt: Date;
      readonly durationMs: number;
      readonly status: number | undefined;
      readonly error: string | undefined;
    }>;
  }>;
  /** Notices that are left out. */
  readonly moreDeliveries: number;
  /** Applications that took part and get no notice. */
  readonly withoutNotice: ReadonlyArray<{
    readonly application: string;
    readonly clientId: string;
    readonly state: 'asked' | 'not_told';
    /** In words, with `not_told`. */
    readonly why: string | undefined;
  }>;
  /** Undefined while a notice is pending, or the receipt is about to be signed. */
  readonly receipt:
    | {
        readonly sequence: number;
        readonly revision: number;
        readonly hash: string;
        readonly issuedAt: Date;
        readonly jws: string;
      }
    | undefined;
}

export interface ConsoleTimelineView extends ConsoleView {
  readonly figures: ConsoleTimelineFigures;
  readonly overviewUrl: string;
  /** Undefined when it is final. */
  readonly live: LiveView | undefined;
}
