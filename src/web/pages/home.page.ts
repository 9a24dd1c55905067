import { OPENID_CONFIGURATION } from '../../platform/oidc/endpoints.js';
import { webUrl } from './safe-urls.js';
import { page } from './templates.js';
import { accountName } from './words.js';
import type { AccountView, PageView } from './views.js';

export interface HomeView extends PageView {
  readonly issuer: string;
  /** Undefined: it is not served. */
  readonly docsUrl?: string | undefined;
  readonly sessionsUrl: string;
  readonly signedInAs?: AccountView | undefined;
}

/** "/": for a person who opens the address of the service and wonders what it is. */
export function renderHomePage(view: HomeView): string {
  return homeTemplate(
    { nonce: view.nonce, title: 'Sign in once, sign out everywhere', width: 'wide' },
    {
      issuer: view.issuer,
      discoveryUrl: webUrl(`${view.issuer.replace(/\/$/, '')}${OPENID_CONFIGURATION}`),
      docsUrl: view.docsUrl,
      sessionsUrl: view.sessionsUrl,
      account: view.signedInAs && accountName(view.signedInAs),
    },
  );
}

interface HomeModel {
  readonly issuer: string;
  readonly discoveryUrl?: string | undefined;
  readonly docsUrl?: string | undefined;
  readonly sessionsUrl: string;
  readonly account?: string | undefined;
}

const homeTemplate = page<HomeModel>(`<div class="flow hero">
<h1><span>Sign in once.</span> <span>Sign out everywhere.</span></h1>
<p class="lede">This service signs you in to your applications. When you sign out, it tells every one that can be
told, keeps trying until they answer, and shows you who has confirmed and who cannot be told.</p>
<% if (it.account) { %><p>You are signed in as <strong><%= it.account %></strong>.</p><% } %>
<div class="actions start"><a class="button" href="<%= it.sessionsUrl %>">See where you are signed in</a></div>
<div class="ways">
<% if (it.docsUrl) { %><section>
<h2>For developers</h2>
<p class="quiet">Try every endpoint in the <a href="<%= it.docsUrl %>">API reference</a>.</p>
</section>
<% } %><section>
<h2>For applications</h2>
<p class="quiet"><% if (it.discoveryUrl) { %>Everything a library needs is in the
<a href="<%= it.discoveryUrl %>">discovery document</a> of<% } else { %>The issuer is<% } %>
<code><%= it.issuer %></code>.</p>
</section>
</div>
</div>`);
