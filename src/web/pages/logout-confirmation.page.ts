import { type ApplicationLink, toApplicationLinks } from './application-links.js';
import { type ClientCard, toClientCard } from './client-card.js';
import { page } from './templates.js';
import { accountName, clientName, counted, upstreamName } from './words.js';
import type { AccountView, ApplicationLinkView, ClientView, FormView, UpstreamView } from './views.js';

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

/**
 * "Do you want to sign out?" (RP-Initiated Logout 1.0 §2). The page says who is signed in here, who asked, what else
 * ends, and where the browser goes, because a person can only agree to what is on the page. Staying is as easy as
 * leaving.
 */
export function renderLogoutConfirmationPage(view: LogoutConfirmationView): string {
  const client = view.client && toClientCard(view.client);
  const signedIn = view.account !== undefined;
  const heading = signedIn ? 'Do you want to sign out?' : 'You are already signed out';
  return confirmationTemplate(
    { nonce: view.nonce, title: signedIn ? 'Sign out?' : 'Already signed out' },
    {
      action: view.action,
      csrf: view.csrf,
      request: view.request,
      client,
      account: view.account && accountName(view.account),
      heading,
      notice: view.notice && noticeText(view.notice, client, signedIn, view.linksTo),
      consequence: consequenceText(view.applications, view.asked ?? 0, view.cannotTell?.length ?? 0),
      cannotTell: toApplicationLinks(view.cannotTell ?? []),
      way: view.returnsToClient ? (client?.name ?? 'the application you came from') : undefined,
      leave: signedIn && client !== undefined && view.mayLeaveClient === true ? client.name : undefined,
      upstream: signedIn && view.upstream ? upstreamName(view.upstream) : undefined,
    },
  );
}

interface ConfirmationModel {
  readonly action: string;
  readonly csrf: string;
  readonly request: string;
  readonly client?: ClientCard | undefined;
  readonly account?: string | undefined;
  readonly heading: string;
  readonly notice?: string | undefined;
  readonly consequence: string;
  readonly cannotTell: readonly ApplicationLink[];
  readonly way?: string | undefined;
  readonly leave?: string | undefined;
  readonly upstream?: string | undefined;
}

function noticeText(
  notice: LogoutNotice,
  client: ClientCard | undefined,
  signedIn: boolean,
  linksTo: string | undefined,
): string {
  const asker = client?.name ?? 'The application';
  switch (notice) {
    case 'other_account':
      return signedIn
        ? `${asker} asked about another account than the one that is signed in here. ` +
            'Only the account named on this page is signed out, and only if you say so.'
        : `${asker} asked about an account that is not signed in here.`;
    case 'hint_mismatch':
      return 'This request contradicts itself about who should be signed out, or for whom, so we did not act on either of them. You decide.';
    case 'unregistered_address':
      return `${asker} named an address to go on to that is not registered for it. So we will not send you there.`;
    case 'unknown_request':
      if (linksTo !== undefined)
        return `We could not verify who asked for this, so we will not send you on by ourselves. The next page has a link to ${clientName({ name: linksTo })}.`;
      return 'We could not verify who asked for this. So we will not send you on to another site from here.';
  }
}

/** Each application is counted once: notified, asked in this browser, or (by name, below) neither. */
function consequenceText(applications: number, asked: number, cannotTell: number): string {
  const here = 'Signing out ends your session in this browser.';
  const all = applications + cannotTell;
  if (all === 0) {
    return `${here} No application has used it, so there is nobody else to tell.`;
  }
  const used = `${here} ${counted(all, 'application has', 'applications have')} used it`;
  const told = applications - asked;
  if (asked === 0 && cannotTell === 0) {
    return `${used}, and we will tell ${told === 1 ? 'it' : 'each of them'} to sign you out too.`;
  }
  const tell = told === 0 ? [] : [`tell ${told} of them to sign you out too`];
  const ask = asked === 0 ? [] : [`ask ${asked} in this browser, without an answer`];
  return applications === 0 ? `${used}.` : `${used}. We will ${[...tell, ...ask].join(', and ')}.`;
}

const confirmationTemplate = page<ConfirmationModel>(`<div class="flow">
<% if (it.client) { %><%~ include('@client') %><% } %>
<h1><%= it.heading %></h1>
<% if (it.account) { %>
<p class="lede">You are signed in as <strong><%= it.account %></strong>.<% if (it.client) { %>
<strong><%= it.client.name %></strong> asked us to sign you out.<% } %></p>
<% } else { %><p class="lede">No one is signed in here any more, so there is nothing left to do.</p><% } %>
<% if (it.notice) { %><p class="note"><%= it.notice %></p><% } %>
<% if (it.account) { %><p><%= it.consequence %></p>
<% if (it.cannotTell.length > 0) { %><p class="note" id="cannot-tell"><%= it.cannotTell.length %> cannot be told:
<%~ include('@applications', { applications: it.cannotTell }) %>; sign out there yourself.</p><% } %><% } %>
<% if (it.way && !it.account) { %><p>You can go back to <%= it.way %> now.</p><% } %>
<form method="post" action="<%= it.action %>">
<%~ include('@csrf') %>
<input type="hidden" name="request" value="<%= it.request %>">
<% if (it.upstream) { %><div class="choice">
<input type="checkbox" id="logout-upstream" name="upstream" value="logout" aria-describedby="logout-upstream-hint">
<label for="logout-upstream">Also sign out of <%= it.upstream %>, with which you signed in</label>
<p class="small" id="logout-upstream-hint">Otherwise the next sign-in here may need no password.</p>
</div><% } %>
<div class="actions whole">
<% if (it.account) { %>
<button class="button" id="logout-yes" type="submit" name="decision" value="logout">Sign out</button>
<button class="button plain" id="logout-no" type="submit" name="decision" value="stay">Stay signed in</button>
<% } else { %>
<button class="button" id="logout-yes" type="submit" name="decision" value="logout">Continue</button>
<% } %>
</div>
<% if (it.way && it.account) { %><p class="small">Whichever you choose, you then go back to <%= it.way %>.</p><% } %>
<% if (it.account) { %><div class="actions others">
<% if (it.leave) { %><button class="button text" id="logout-client" type="submit" name="decision"
value="client">Sign out of <%= it.leave %> only</button>
<% } %><button class="button text" id="logout-everywhere" type="submit" name="decision"
value="everywhere" aria-describedby="logout-everywhere-hint">Sign out of all my devices</button>
</div>
<p class="small" id="logout-everywhere-hint">Signing out of all devices ends your sessions in every browser, and the
access that applications keep while you are signed out.</p>
<% } %>
</form>
</div>`);
