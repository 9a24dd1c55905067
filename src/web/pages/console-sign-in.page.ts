import { page } from './templates.js';
import { plainName, waitingTime } from './words.js';
import type { SignInError } from './sign-in.page.js';
import type { PageView } from './views.js';

export interface ConsoleSignInView extends PageView {
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

/** The door of the console: an account with the role `operator`, or the admin client. */
export function renderConsoleSignInPage(view: ConsoleSignInView): string {
  const heading = 'Operators’ console';
  const of = (form: 'account' | 'client'): string | undefined =>
    view.problem?.form === form ? problemText(view.problem) : undefined;
  return signInTemplate(
    { nonce: view.nonce, title: view.problem === undefined ? heading : `Error: ${heading}` },
    {
      heading,
      csrf: view.csrf,
      accountAction: view.accountAction,
      clientAction: view.clientAction,
      login: view.login,
      clientId: view.clientId,
      accountProblem: of('account'),
      clientProblem: of('client'),
    },
  );
}

interface ConsoleSignInModel {
  readonly heading: string;
  readonly csrf: string;
  readonly accountAction: string;
  readonly clientAction: string;
  readonly login: string;
  readonly clientId: string;
  readonly accountProblem?: string | undefined;
  readonly clientProblem?: string | undefined;
}

function problemText(problem: NonNullable<ConsoleSignInView['problem']>): string {
  switch (problem.kind) {
    case 'not_an_operator': {
      const who = plainName(problem.name ?? '');
      const signedIn = who === '' ? 'This account is' : `You are signed in as ${who}, who is`;
      return `${signedIn} not an operator. Sign in with an account that is one; the other one is then signed out.`;
    }
    case 'stale':
      return 'You signed in a while ago. Please enter your password once more.';
    case 'too_many_attempts':
      return problem.retryAfterSeconds === undefined
        ? 'Too many attempts. Please wait a little, then try again.'
        : `Too many attempts. Please wait ${waitingTime(problem.retryAfterSeconds)}, then try again.`;
    case 'busy':
      return 'We are very busy just now and have not looked at your password yet. Please try again in a moment.';
    case 'missing_fields':
      return 'Please fill in both fields.';
    default:
      return problem.form === 'client'
        ? 'This id and this secret are not those of a client for operators. Please check both and try again.'
        : 'This email or username and this password do not belong together. Please check both and try again.';
  }
}

const signInTemplate = page<ConsoleSignInModel>(`<div class="flow">
<h1><%= it.heading %></h1>
<p class="lede">Sign in with an account that has the role <code>operator</code>.</p>
<% if (it.accountProblem) { %><p class="alert" id="login-error" role="alert"><%= it.accountProblem %></p><% } %>
<form class="fields" method="post" action="<%= it.accountAction %>">
<%~ include('@csrf') %>
<div>
<label for="login">Email or username</label>
<input type="text" id="login" name="login" value="<%= it.login %>" autocomplete="username" autocapitalize="none"
autocorrect="off" spellcheck="false" inputmode="email" required<% if (it.accountProblem) { %>
 aria-describedby="login-error"<% } %>>
</div>
<div>
<label for="password">Password</label>
<input type="password" id="password" name="password" autocomplete="current-password" required<%
if (it.accountProblem) { %> aria-describedby="login-error"<% } %>>
</div>
<div class="actions"><button class="button" id="login-submit" type="submit">Sign in</button></div>
</form>
<details<% if (it.clientProblem) { %> open<% } %>>
<summary>Use the admin client instead</summary>
<form class="fields" method="post" action="<%= it.clientAction %>">
<%~ include('@csrf') %>
<% if (it.clientProblem) { %><p class="alert" id="client-error" role="alert"><%= it.clientProblem %></p><% } %>
<div>
<label for="client_id">Client id</label>
<input type="text" id="client_id" name="client_id" value="<%= it.clientId %>" autocomplete="off"
autocapitalize="none" autocorrect="off" spellcheck="false" required<% if (it.clientProblem) { %>
 aria-describedby="client-error"<% } %>>
</div>
<div>
<label for="client_secret">Client secret</label>
<input type="password" id="client_secret" name="client_secret" autocomplete="off" required<%
if (it.clientProblem) { %> aria-describedby="client-error"<% } %>>
</div>
<div class="actions"><button class="button plain" id="client-submit" type="submit">Open the console for 30 minutes</button></div>
</form>
</details>
</div>`);
