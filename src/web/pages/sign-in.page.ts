import { type ClientCard, toClientCard } from './client-card.js';
import { page } from './templates.js';
import { clientName, plainName, upstreamName, waitingTime } from './words.js';
import type { AccountView, ClientView, FormView, UpstreamView } from './views.js';

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

/**
 * The form for name and password, and below it the other providers to sign in with. After a mistake the alert is
 * announced by itself (`role=alert`), both fields point to it, and the tab's title begins with "Error", so that it is
 * found by eye, by ear and among twenty tabs.
 */
export function renderSignInPage(view: SignInView): string {
  const heading = view.reauthenticate === undefined ? 'Sign in' : 'Please confirm it is you';
  const error = view.error === undefined ? undefined : errorText(view.error, view);
  const login = view.reauthenticate?.login ?? view.login;
  return signInTemplate(
    { nonce: view.nonce, title: error === undefined ? heading : `Error: ${heading}` },
    {
      action: view.action,
      csrf: view.csrf,
      login,
      // Not a protection: a field that a person cannot change can still be changed on the way.
      loginFixed: view.reauthenticate !== undefined,
      client: view.client && toClientCard(view.client),
      heading,
      reason: view.reauthenticate && reasonText(view.reauthenticate),
      error,
      loginInvalid: view.error === 'wrong_credentials' || (view.error === 'missing_fields' && login === ''),
      passwordInvalid: view.error === 'wrong_credentials' || view.error === 'missing_fields',
      focusPassword: login !== '',
      submit: view.reauthenticate === undefined ? 'Sign in' : 'Confirm',
      upstreams: (view.upstreams ?? []).map((upstream) => ({ name: upstreamName(upstream), url: upstream.url })),
      passwordForm: view.upstreamsOnly !== true,
      otherWays: `${view.upstreamsOnly === true ? 'Sign' : 'or sign'} in ${view.reauthenticate === undefined ? '' : 'again '}with`,
      cancelAction: view.cancelAction,
      back: view.client === undefined ? 'Cancel' : `Back to ${clientName(view.client)}`,
    },
  );
}

interface SignInModel {
  readonly action: string;
  readonly csrf: string;
  readonly login: string;
  readonly loginFixed: boolean;
  readonly client?: ClientCard | undefined;
  readonly heading: string;
  readonly reason?: string | undefined;
  readonly error?: string | undefined;
  readonly loginInvalid: boolean;
  readonly passwordInvalid: boolean;
  readonly focusPassword: boolean;
  readonly submit: string;
  readonly upstreams: ReadonlyArray<{ readonly name: string; readonly url: string }>;
  readonly passwordForm: boolean;
  readonly otherWays: string;
  readonly cancelAction?: string | undefined;
  readonly back: string;
}

function reasonText(account: AccountView): string {
  const who = plainName(account.name ?? '') || plainName(account.login);
  return `You are signed in as ${who}. Please enter your password once more`;
}

/** Never says which of the two was wrong: that would tell a stranger who has an account here. */
function errorText(error: SignInError, view: SignInView): string {
  switch (error) {
    case 'wrong_credentials':
      return view.reauthenticate === undefined
        ? 'This email or username and this password do not belong together. Please check both and try again.'
        : 'This password is not right. Please try again.';
    case 'too_many_attempts':
      return view.retryAfterSeconds === undefined
        ? 'Too many attempts. Please wait a little, then try again.'
        : `Too many attempts. Please wait ${waitingTime(view.retryAfterSeconds)}, then try again.`;
    case 'busy':
      return 'We are very busy just now and have not looked at your password yet. Please try again in a moment.';
    case 'missing_fields':
      return view.reauthenticate === undefined
        ? 'Please enter your email or username, and your password.'
        : 'Please enter your password.';
    case 'too_long':
      return 'This is longer than any username or password here. Please check what is in the two fields.';
    case 'upstream_unavailable':
      return `${upstreamSubject(view)} cannot be reached just now. Please try again, or sign in another way.`;
    case 'upstream_refused':
      return `${upstreamSubject(view)} did not sign you in. Please try again, or sign in another way.`;
    case 'upstream_not_fresh':
      return `${upstreamSubject(view)} did not ask you to sign in anew, as this application wants it. Please sign out there and try again, or sign in another way.`;
    case 'account_unusable':
      return 'This account cannot be used here. Ask your administrator.';
  }
}

function upstreamSubject(view: SignInView): string {
  return plainName(view.upstreamName ?? '') || 'The other provider';
}

const signInTemplate = page<SignInModel>(`<div class="flow">
<% if (it.client) { %><%~ include('@tile') %><% } %>
<h1><%= it.heading %></h1>
<% if (it.reason) { %><p class="lede"><%= it.reason %><% if (it.client) { %> to continue to
<strong><%= it.client.name %></strong><% } %>.</p>
<% } else if (it.client) { %><p class="lede">to continue to <strong><%= it.client.name %></strong></p><% } %>
<% if (it.error) { %><p class="alert" id="login-error" role="alert"><%= it.error %></p><% } %>
<% if (it.passwordForm) { %><form class="fields" method="post" action="<%= it.action %>">
<%~ include('@csrf') %>
<div>
<label for="login"><%= it.loginFixed ? 'Your account' : 'Email or username' %></label>
<input type="text" id="login" name="login" value="<%= it.login %>" autocomplete="username" autocapitalize="none"
autocorrect="off" spellcheck="false" inputmode="email" required<% if (it.loginFixed) { %> readonly<% }
if (!it.focusPassword) { %> autofocus<% } if (it.loginInvalid) { %> aria-invalid="true"<% } if (it.error) { %>
 aria-describedby="login-error"<% } %>>
</div>
<div>
<label for="password">Password</label>
<input type="password" id="password" name="password" autocomplete="current-password" required<%
if (it.focusPassword) { %> autofocus<% } if (it.passwordInvalid) { %> aria-invalid="true"<% } if (it.error) { %>
 aria-describedby="login-error"<% } %>>
</div>
<div class="actions"><button class="button" id="login-submit" type="submit"><%= it.submit %></button></div>
</form><% } %>
<% if (it.upstreams.length > 0) { %><div class="upstreams">
<p class="or" id="other-ways"><%= it.otherWays %></p>
<ul aria-labelledby="other-ways">
<% for (const [index, upstream] of it.upstreams.entries()) { %><li><a class="button plain" id="upstream-<%= index %>"
href="<%= upstream.url %>">Continue with <%= upstream.name %></a></li>
<% } %>
</ul>
</div><% } %>
<% if (it.cancelAction) { %><form class="aside" method="post" action="<%= it.cancelAction %>">
<%~ include('@csrf') %>
<button class="button plain" id="login-cancel" type="submit"><%= it.back %></button>
</form><% } %>
<% if (it.client) { %><%~ include('@published') %><% } %>
</div>`);
