import { FOLLOW } from './follow.js';
import { followableUrl, webUrl } from './safe-urls.js';
import { fragment, page } from './templates.js';
import { accountName, clientName, counted, upstreamName } from './words.js';
import type { AccountView, ApplicationLinkView, ClientView, LiveView, PageView, UpstreamView } from './views.js';

/** `asked`: by a frame in this browser, which cannot say what came of it. `not_told`: there is no way to tell it. */
export type ApplicationState = 'confirmed' | 'asked' | 'pending' | 'unreachable' | 'not_told';

export interface SignedOutApplicationView extends ApplicationLinkView {
  readonly state: ApplicationState;
}

export interface SignedOutView extends PageView {
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

/**
 * The receipt. The count is of applications that accepted, never of those merely notified: a person at a borrowed
 * computer decides by this page whether it is safe to walk away.
 */
export function renderSignedOutPage(view: SignedOutView): string {
  const url = followableUrl(view.continueTo?.url);
  const onward = followableUrl(view.onward?.url);
  const frames = (view.frames ?? []).flatMap((frame) => {
    const src = webUrl(frame.url);
    return src === undefined ? [] : [{ src, title: `Sign-out at ${clientName(frame)}` }];
  });
  const heading = view.leftClient === undefined ? 'Signed out' : `Signed out of ${clientName(view.leftClient.client)}`;
  return signedOutTemplate(
    { nonce: view.nonce, title: heading },
    {
      nonce: view.nonce,
      heading,
      frames,
      onward:
        frames.length === 0 || onward === undefined || view.onward === undefined
          ? undefined
          : { url: onward, afterMs: view.onward.afterMs },
      lede: ledeText(view),
      farewell: farewellText(view),
      progress: renderSignedOutProgress(view.applications),
      live: view.live,
      continueTo:
        url === undefined || view.continueTo === undefined
          ? undefined
          : { url, name: clientName({ name: view.continueTo.clientName }) },
      upstream: view.upstream && {
        name: upstreamName(view.upstream),
        url: followableUrl(view.upstream.url),
      },
    },
  );
}

interface ProgressModel {
  readonly receipt?: string | undefined;
  readonly applications: ReadonlyArray<{
    readonly name: string;
    readonly url?: string | undefined;
    readonly state: ApplicationState;
    readonly icon: string;
    readonly words: string;
  }>;
}

interface SignedOutModel {
  readonly nonce: string;
  readonly heading: string;
  readonly frames: ReadonlyArray<{ readonly src: string; readonly title: string }>;
  readonly onward?: { readonly url: string; readonly afterMs: number } | undefined;
  readonly lede: string;
  readonly farewell: string;
  readonly progress: string;
  readonly live?: LiveView | undefined;
  readonly continueTo?: { readonly url: string; readonly name: string } | undefined;
  readonly upstream?: { readonly name: string; readonly url?: string | undefined } | undefined;
}

/** The part that changes while the person looks on: the count, and each application with its state. */
export function renderSignedOutProgress(applications: readonly SignedOutApplicationView[]): string {
  return progressTemplate({
    receipt: receiptText(applications.map((application) => application.state)),
    applications: applications.map(({ name, url, state }) => ({
      name: clientName({ name }),
      url: webUrl(url),
      state,
      icon: ICONS[state],
      words: STATE_WORDS[state],
    })),
  });
}

const STATE_WORDS: Readonly<Record<ApplicationState, string>> = {
  confirmed: 'confirmed',
  asked: 'asked in this browser; it has no way to confirm',
  pending: 'not confirmed yet, we keep trying',
  unreachable: 'could not be reached, please sign out there yourself',
  not_told: 'cannot be told, please sign out there yourself',
};

function ledeText(view: SignedOutView): string {
  if (view.returnedFromUpstream !== undefined) {
    const upstream = upstreamName({ name: view.returnedFromUpstream });
    return `You are signed out here, and ${upstream} sent you back after its own sign-out.`;
  }
  if (view.leftClient !== undefined) {
    const { account } = view.leftClient;
    return account === undefined
      ? 'You left this application alone. Other applications are not affected.'
      : `You are still signed in here as ${accountName(account)}. Other applications are not affected.`;
  }
  if (view.everywhere === true) return 'All your sessions have ended, in this browser and everywhere else.';
  return view.alreadySignedOut
    ? 'You were already signed out in this browser.'
    : 'Your session in this browser has ended.';
}

/** A person is not sent away from a shared computer at which the next one gets in without a password. */
function farewellText(view: SignedOutView): string {
  if (view.upstream !== undefined) {
    return 'If others use this computer, sign out there before you close this page.';
  }
  if (view.applications.some((application) => application.state === 'not_told')) {
    return 'If others use this computer, sign out of what cannot be told before you close this page.';
  }
  return view.applications.some((application) => application.state === 'pending')
    ? 'You can close this page, we keep trying without it.'
    : 'You can close this page.';
}

function receiptText(states: readonly ApplicationState[]): string | undefined {
  if (states.length === 0) {
    return undefined;
  }
  const count = (wanted: ApplicationState): number => states.filter((state) => state === wanted).length;
  const [asked, notNotified] = [count('asked'), count('not_told')];
  const told = states.length - asked - notNotified;
  const what = told === 1 ? 'application has' : 'applications have';
  return [
    ...(told === 0 ? [] : [`${count('confirmed')} of ${told} ${what} confirmed that you are signed out there too.`]),
    ...(asked === 0
      ? []
      : [`We asked ${counted(asked, 'application', 'applications')} in this browser to sign you out.`]),
    ...(notNotified === 0 ? [] : [`${counted(notNotified, 'application', 'applications')} cannot be told.`]),
  ].join(' ');
}

/** Shapes differ as well as colours; the words beside them say the same to those who see neither. */
const ICONS: Readonly<Record<ApplicationState, string>> = {
  confirmed: icon('<circle cx="9" cy="9" r="7.5"/><path d="M5.8 9.3l2.2 2.2 4.3-4.8"/>'),
  asked: icon('<circle cx="9" cy="9" r="7.5"/><path d="M5.6 9h6.2M9.4 6.4L12 9l-2.6 2.6"/>'),
  pending: icon('<circle cx="9" cy="9" r="7.5" stroke-dasharray="2.4 2.31"/><path d="M9 5.6V9l2.2 1.6"/>'),
  unreachable: icon('<path d="M9 2l7.4 13.2H1.6z"/><path d="M9 7v3.6M9 12.9v.1"/>'),
  not_told: icon('<circle cx="9" cy="9" r="7.5"/><path d="M3.9 3.9l10.2 10.2"/>'),
};

function icon(shapes: string): string {
  return `<svg width="18" height="18" viewBox="0 0 18 18" fill="none" stroke="currentColor" stroke-width="1.5"
stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">${shapes}</svg>`;
}

const progressTemplate = fragment<ProgressModel>(`<% if (it.receipt) { %><p id="receipt"><%= it.receipt %></p>
<ul class="list states" aria-labelledby="receipt">
<% for (const application of it.applications) { %><li class="<%= application.state %>"><%~ application.icon %>
<span class="name"><% if (application.url) { %><a href="<%= application.url %>" rel="noopener noreferrer"><%= application.name %></a><% } else { %><%= application.name %><% } %></span> <span class="state"><%= application.words %></span></li>
<% } %></ul><% } %>`);

/**
 * The window's own `load` comes when every frame has loaded or failed. `replace`: a way back to this page would ask the
 * applications again.
 */
const GO_ON = `const {url,after}=document.currentScript.dataset;let gone=false;
const go=()=>{if(!gone){gone=true;location.replace(url)}};
if(document.readyState==='complete')go();else addEventListener('load',go);setTimeout(go,Number(after))`;

/**
 * The frames' sandbox. An application must reach its own cookies and storage (`allow-same-origin`) and may clear them by
 * script or by a form; what it must not do is to take the whole page elsewhere, as frame breakers do, which would keep
 * the other applications from being asked, or to open windows and dialogs.
 */
const signedOutTemplate = page<SignedOutModel>(`<div class="flow">
<h1><%= it.heading %></h1>
<p class="lede"><%= it.lede %></p>
<% if (it.live) { %><div class="flow" id="live" data-events="<%= it.live.eventsUrl %>" aria-live="polite">
<%~ it.progress %></div>
<p class="small" id="reload"><a href="<%= it.live.reloadUrl %>">See how it stands now</a></p>
<script nonce="<%= it.nonce %>">${FOLLOW}</script>
<% } else { %><%~ it.progress %><% } %>
<% if (it.upstream) { %><p>You signed in with <%= it.upstream.name %> and may still be signed in there.</p>
<% if (it.upstream.url) { %><div class="actions"><a class="button plain" id="upstream-logout"
href="<%= it.upstream.url %>" rel="noreferrer">Sign out of <%= it.upstream.name %> too</a></div><% } %>
<% } %>
<% if (it.continueTo) { %><div class="actions"><a class="button" id="continue" href="<%= it.continueTo.url %>"
rel="noreferrer">Continue to <%= it.continueTo.name %></a></div>
<% } else { %><p class="quiet"><%= it.farewell %></p><% } %>
<% for (const frame of it.frames) { %><iframe src="<%= frame.src %>" title="<%= frame.title %>" hidden
referrerpolicy="no-referrer" sandbox="allow-same-origin allow-scripts allow-forms"></iframe>
<% } %>
<% if (it.onward) { %><p class="quiet" role="status">We take you on in a moment.</p>
<script data-url="<%= it.onward.url %>" data-after="<%= it.onward.afterMs %>" nonce="<%= it.nonce %>">${GO_ON}</script>
<% } %>
</div>`);
