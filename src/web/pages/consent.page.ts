import { type ClientCard, toClientCard } from './client-card.js';
import { page } from './templates.js';
import { accountName } from './words.js';
import type { AccountView, ClientView, FormView, ScopeView } from './views.js';

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

/**
 * What the application asks for, and two answers of the same weight: same size, same colour, plain words. Nothing here
 * pulls towards "Allow".
 */
export function renderConsentPage(view: ConsentView): string {
  const client = toClientCard(view.client);
  const heading = `Allow ${client.name} to use your account?`;
  return consentTemplate(
    { nonce: view.nonce, title: heading },
    {
      action: view.action,
      csrf: view.csrf,
      client,
      account: accountName(view.account),
      verified: view.verified,
      recipient: view.recipient ?? 'an application on this device',
      heading,
      asks: view.scopes
        .filter((scope) => !(view.offlineAccess && scope.name === 'offline_access'))
        .map((scope) => ({ name: scope.name, description: scope.description.trim() || scope.name })),
      offlineAccess: view.offlineAccess,
    },
  );
}

interface ConsentModel {
  readonly action: string;
  readonly csrf: string;
  readonly client: ClientCard;
  readonly account: string;
  readonly verified: boolean;
  readonly recipient: string;
  readonly heading: string;
  readonly asks: ReadonlyArray<ScopeView>;
  readonly offlineAccess: boolean;
}

const consentTemplate = page<ConsentModel>(`<div class="flow">
<%~ include('@client') %>
<h1><%= it.heading %></h1>
<p class="quiet">You are signed in as <strong><%= it.account %></strong>.</p>
<% if (it.verified) { %><p>What you allow goes to <strong><%= it.recipient %></strong>.</p>
<% } else { %><p class="note">What you allow goes to <strong><%= it.recipient %></strong>. This application is not verified:
it has registered itself, and nobody here has checked that it is what it calls itself.</p><% } %>
<% if (it.asks.length > 0 || it.offlineAccess) { %>
<p id="asks"><%= it.client.name %> asks to:</p>
<ul class="list asks" aria-labelledby="asks">
<% for (const ask of it.asks) { %><li data-scope="<%= ask.name %>"><%= ask.description %></li>
<% } if (it.offlineAccess) { %><li data-scope="offline_access">Keep this access while you are away, also after you sign
out here</li><% } %>
</ul>
<% } %>
<form method="post" action="<%= it.action %>">
<%~ include('@csrf') %>
<div class="actions">
<button class="button plain" id="consent-deny" type="submit" name="decision" value="deny">Don’t allow</button>
<button class="button plain" id="consent-submit" type="submit" name="decision" value="allow">Allow</button>
</div>
</form>
<p class="small">If you don’t allow it, <%= it.client.name %> gets no access, and you go back to it.</p>
<%~ include('@published') %>
</div>`);
