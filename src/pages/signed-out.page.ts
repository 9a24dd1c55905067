import { followableUrl } from './safe-urls.js';
import { FOLLOW } from './follow.js';
import { fragment, page } from './templates.js';
import type { ApplicationState, LiveView, SignedOutApplicationView, SignedOutView } from './views.js';
import { clientName, upstreamName } from './words.js';

/**
 * The receipt. The count is of applications that answered, never of those merely told: a person at a borrowed computer
 * decides by this page whether it is safe to walk away.
 */
export function renderSignedOutPage(view: SignedOutView): string {
  const url = followableUrl(view.continueTo?.url);
  return signedOutTemplate(
    { nonce: view.nonce, title: 'Signed out' },
    {
      nonce: view.nonce,
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
  readonly receipt?: string;
  readonly applications: ReadonlyArray<{
    readonly name: string;
    readonly state: ApplicationState;
    readonly icon: string;
    readonly words: string;
  }>;
}

interface SignedOutModel {
  readonly nonce: string;
  readonly lede: string;
  readonly farewell: string;
  readonly progress: string;
  readonly live?: LiveView;
  readonly continueTo?: { readonly url: string; readonly name: string };
  readonly upstream?: { readonly name: string; readonly url?: string };
}

/** The part that changes while somebody looks on: the count, and each application with its state. */
export function renderSignedOutProgress(applications: readonly SignedOutApplicationView[]): string {
  return progressTemplate({
    receipt: receiptText(applications.map((application) => application.state)),
    applications: applications.map(({ name, state }) => ({
      name: clientName({ name }),
      state,
      icon: ICONS[state],
      words: STATE_WORDS[state],
    })),
  });
}

const STATE_WORDS: Readonly<Record<ApplicationState, string>> = {
  confirmed: 'confirmed',
  pending: 'not confirmed yet, we keep trying',
  unreachable: 'could not be reached, please sign out there yourself',
};

function ledeText(view: SignedOutView): string {
  if (view.returnedFromUpstream !== undefined) {
    const upstream = upstreamName({ name: view.returnedFromUpstream });
    return `You are signed out here, and ${upstream} sent you back after its own sign-out.`;
  }
  return view.alreadySignedOut
    ? 'You were already signed out in this browser.'
    : 'Your session in this browser has ended.';
}

/** Nobody is sent away from a shared computer at which the next person gets in without a password. */
function farewellText(view: SignedOutView): string {
  if (view.upstream !== undefined) {
    return 'If others use this computer, sign out there before you close this page.';
  }
  return view.applications.some((application) => application.state === 'pending')
    ? 'You can close this page, we keep trying without it.'
    : 'You can close this page.';
}

function receiptText(states: readonly ApplicationState[]): string | undefined {
  if (states.length === 0) {
    return undefined;
  }
  const confirmed = states.filter((state) => state === 'confirmed').length;
  const what = states.length === 1 ? 'application has' : 'applications have';
  return `${confirmed} of ${states.length} ${what} confirmed that you are signed out there too.`;
}

/** Shapes differ as well as colours; the words beside them say the same to those who see neither. */
const ICONS: Readonly<Record<ApplicationState, string>> = {
  confirmed: icon('<circle cx="9" cy="9" r="7.5"/><path d="M5.8 9.3l2.2 2.2 4.3-4.8"/>'),
  pending: icon('<circle cx="9" cy="9" r="7.5" stroke-dasharray="2.4 2.31"/><path d="M9 5.6V9l2.2 1.6"/>'),
  unreachable: icon('<path d="M9 2l7.4 13.2H1.6z"/><path d="M9 7v3.6M9 12.9v.1"/>'),
};

function icon(shapes: string): string {
  return `<svg width="18" height="18" viewBox="0 0 18 18" fill="none" stroke="currentColor" stroke-width="1.5"
stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">${shapes}</svg>`;
}

const progressTemplate = fragment<ProgressModel>(`<% if (it.receipt) { %><p id="receipt"><%= it.receipt %></p>
<ul class="list states" aria-labelledby="receipt">
<% for (const application of it.applications) { %><li class="<%= application.state %>"><%~ application.icon %>
<span class="name"><%= application.name %></span> <span class="state"><%= application.words %></span></li>
<% } %></ul><% } %>`);

const signedOutTemplate = page<SignedOutModel>(`<div class="flow">
<h1>Signed out</h1>
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
</div>`);
