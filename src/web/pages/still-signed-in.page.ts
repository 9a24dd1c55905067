import { type ClientCard, toClientCard } from './client-card.js';
import { followableUrl } from './safe-urls.js';
import { page } from './templates.js';
import { accountName, clientName } from './words.js';
import type { AccountView, ClientView, PageView } from './views.js';

export interface StillSignedInView extends PageView {
  readonly account: AccountView;
  readonly client?: ClientView | undefined;
  readonly continueTo?: { readonly url: string; readonly clientName: string } | undefined;
}

/** After "Stay signed in". Names the one surprise: the application that asked has usually left already. */
export function renderStillSignedInPage(view: StillSignedInView): string {
  const url = followableUrl(view.continueTo?.url);
  return stillSignedInTemplate(
    { nonce: view.nonce, title: 'Still signed in' },
    {
      account: accountName(view.account),
      client: view.client && toClientCard(view.client),
      continueTo:
        url === undefined || view.continueTo === undefined
          ? undefined
          : { url, name: clientName({ name: view.continueTo.clientName }) },
    },
  );
}

interface StillSignedInModel {
  readonly account: string;
  readonly client?: ClientCard | undefined;
  readonly continueTo?: { readonly url: string; readonly name: string } | undefined;
}

const stillSignedInTemplate = page<StillSignedInModel>(`<div class="flow">
<h1>You are still signed in</h1>
<p class="lede">Nothing has changed here. This browser stays signed in as <strong><%= it.account %></strong>.</p>
<% if (it.client) { %><p><%= it.client.name %> may have signed you out on its own side before it asked. If so, you can
sign in there again.</p>
<% if (it.client.home) { %><div class="actions"><a class="button plain" href="<%= it.client.home.url %>"
rel="noopener noreferrer">Back to <%= it.client.name %></a></div><% } %>
<% } else if (it.continueTo) { %><div class="actions"><a class="button plain" id="continue"
href="<%= it.continueTo.url %>" rel="noreferrer">Continue to <%= it.continueTo.name %></a></div>
<% } else { %><p>You can close this page.</p><% } %>
</div>`);
