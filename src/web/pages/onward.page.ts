import { followableUrl, webUrl } from './safe-urls.js';
import { page } from './templates.js';
import type { PageView } from './views.js';

export interface OnwardView extends PageView {
  readonly url: string;
}

/**
 * Shown while the browser continues by the `Refresh` header of the response. The link is for a browser that does not,
 * or that wants a click before it opens another program. It comes late where the way is to a web page: a click while
 * that page is still loading would bring the response there twice.
 *
 * @throws TypeError for an address that a browser would run. The registry refuses those, so this is a bug.
 */
export function renderOnwardPage(view: OnwardView): string {
  const own = view.url.startsWith('/');
  const url = own ? view.url : followableUrl(view.url);
  if (url === undefined) throw new TypeError('The browser is not sent to such an address');
  const where = own ? undefined : webUrl(url) === undefined ? 'the application on this device' : new URL(url).host;
  return onwardTemplate(
    { nonce: view.nonce, title: 'One moment' },
    { url, where, late: own || webUrl(url) !== undefined },
  );
}

interface OnwardModel {
  readonly url: string;
  /** Undefined: another of our own pages. */
  readonly where?: string | undefined;
  readonly late: boolean;
}

const onwardTemplate = page<OnwardModel>(`<div class="flow">
<h1>One moment</h1>
<p class="lede"><% if (it.where) { %>You are on your way to <strong><%= it.where %></strong>. <% } %>If nothing happens,
please continue by hand.</p>
<div class="actions<% if (it.late) { %> late<% } %>"><a class="button" id="continue" href="<%= it.url %>"
rel="noreferrer">Continue</a></div>
</div>`);
