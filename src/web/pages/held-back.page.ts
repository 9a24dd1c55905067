import { followableUrl, webUrl } from './safe-urls.js';
import { page } from './templates.js';
import type { PageView } from './views.js';

export interface HeldBackView extends PageView {
  readonly url: string;
  /** To be posted; undefined: the address says it all. */
  readonly fields?: Readonly<Record<string, string>> | undefined;
  readonly description: string;
}

/**
 * A request that is wrong, from an application that is not verified. The person decides whether to continue to it: by a
 * link, or by the form that the application asked for.
 *
 * @throws TypeError for an address that a browser would run. The registry refuses those, so this is a bug.
 */
export function renderHeldBackPage(view: HeldBackView): string {
  const url = followableUrl(view.url);
  if (url === undefined) throw new TypeError('The browser is not sent to such an address');
  return heldBackTemplate(
    { nonce: view.nonce, title: 'This request cannot be answered' },
    {
      url,
      where: webUrl(url) === undefined ? 'an application on this device' : new URL(url).host,
      description: view.description,
      fields: view.fields === undefined ? undefined : Object.entries(view.fields),
    },
  );
}

interface HeldBackModel {
  readonly url: string;
  readonly where: string;
  readonly description: string;
  readonly fields?: ReadonlyArray<readonly [name: string, value: string]> | undefined;
}

const heldBackTemplate = page<HeldBackModel>(`<div class="flow">
<h1>This request cannot be answered</h1>
<p class="lede"><%= it.description %></p>
<p>The request leads to <strong><%= it.where %></strong>, which nobody here has verified. Go there only if you know it.</p>
<% if (it.fields) { %><form method="post" action="<%= it.url %>">
<% for (const [name, value] of it.fields) { %><input type="hidden" name="<%= name %>" value="<%= value %>">
<% } %><div class="actions"><a class="button" href="/">Go to the start page</a>
<button class="button plain" id="continue" type="submit">Go there</button></div>
</form>
<% } else { %><div class="actions"><a class="button" href="/">Go to the start page</a>
<a class="button plain" id="continue" href="<%= it.url %>" rel="noreferrer">Go there</a></div><% } %>
</div>`);
