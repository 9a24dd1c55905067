import { page } from './templates.js';
import { accountName, clientName, readableTime } from './words.js';
import type { AccountView, ClientView, PageView, ScopeView } from './views.js';

/** An application that the person allowed something. */
export interface ApplicationView {
  readonly clientId: string;
  readonly client: Pick<ClientView, 'name'>;
  readonly scopes: ReadonlyArray<ScopeView>;
  readonly grantedAt: Date;
}

export type ApplicationsFlash = 'withdrawn' | 'nothing_to_withdraw';

export interface ApplicationsView extends PageView {
  readonly csrf: string;
  readonly account: AccountView;
  readonly withdrawAction: string;
  readonly sessionsUrl: string;
  readonly applications: ReadonlyArray<ApplicationView>;
  readonly flash?: ApplicationsFlash | undefined;
}

/** What a person allowed applications, and a button to take back each. */
export function renderApplicationsPage(view: ApplicationsView): string {
  return applicationsTemplate(
    { nonce: view.nonce, title: 'Applications with access', width: 'wide' },
    {
      csrf: view.csrf,
      account: accountName(view.account),
      flash: view.flash && FLASH_WORDS[view.flash],
      applications: view.applications.map(toApplicationCard),
      withdrawAction: view.withdrawAction,
      sessionsUrl: view.sessionsUrl,
    },
  );
}

interface ApplicationCard {
  readonly clientId: string;
  readonly name: string;
  readonly asks: readonly string[];
  readonly since: { readonly text: string; readonly datetime: string };
}

interface ApplicationsModel {
  readonly csrf: string;
  readonly account: string;
  readonly flash?: string | undefined;
  readonly applications: ReadonlyArray<ApplicationCard>;
  readonly withdrawAction: string;
  readonly sessionsUrl: string;
}

const FLASH_WORDS: Readonly<Record<ApplicationsFlash, string>> = {
  withdrawn: 'Done. The application has no access any more.',
  nothing_to_withdraw: 'There was nothing left to take back. That application had no access any more.',
};

function toApplicationCard(application: ApplicationView): ApplicationCard {
  return {
    clientId: application.clientId,
    name: clientName(application.client),
    asks: application.scopes.map((scope) => scope.description.trim() || scope.name),
    since: { text: readableTime(application.grantedAt), datetime: application.grantedAt.toISOString() },
  };
}

const applicationsTemplate = page<ApplicationsModel>(`<div class="flow">
<h1>Applications with access</h1>
<p class="lede">You allowed these applications to use the account <strong><%= it.account %></strong>.</p>
<% if (it.flash) { %><p class="flash" role="status"><%= it.flash %></p><% } %>
<% if (it.applications.length > 0) { %><ul class="list sessions">
<% for (const application of it.applications) { %>
<li data-testid="application">
<div class="about">
<h2><%= application.name %></h2>
<dl class="facts">
<dt>It may</dt><dd><%= application.asks.length === 0 ? 'Nothing in particular' : application.asks.join('; ') %></dd>
<dt>Since</dt><dd><time datetime="<%= application.since.datetime %>"><%= application.since.text %></time></dd>
</dl>
</div>
<form class="act" method="post" action="<%= it.withdrawAction %>">
<%~ include('@csrf') %>
<input type="hidden" name="client_id" value="<%= application.clientId %>">
<button class="button plain modest" type="submit" data-testid="withdraw">Remove access<span class="hidden"> of
<%= application.name %></span></button>
</form>
</li>
<% } %>
</ul>
<p class="small">An application whose access you remove can no longer use your account, and asks you again when you use
it next. You stay signed in here and in your other applications.</p>
<% } else { %><p>You have not allowed any application to use your account.</p>
<% } %>
<p class="small"><a href="<%= it.sessionsUrl %>">Where you are signed in</a></p>
</div>`);
