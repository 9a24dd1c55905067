import { webUrl } from './safe-urls.js';
import { page } from './templates.js';
import { plainName } from './words.js';
import type { PageView } from './views.js';

export interface ErrorView extends PageView {
  readonly status: number;
  readonly title: string;
  readonly message: string;
  readonly whatNow?: string | undefined;
  readonly requestId: string;
  /** Links with which the person can continue, the best one first: our own pages, or web addresses. */
  readonly ways?: ReadonlyArray<{ readonly url: string; readonly label: string }> | undefined;
  /** The protocol's error code, for those who have to look into it. */
  readonly code?: string | undefined;
}

/** What happened, what to do now, and the reference that finds the line in our log. Nothing about our insides. */
export function renderErrorPage(view: ErrorView): string {
  return errorTemplate(
    { nonce: view.nonce, title: view.title },
    {
      title: view.title,
      message: view.message,
      whatNow: view.whatNow,
      status: view.status,
      code: view.code,
      requestId: view.requestId,
      ways: (view.ways ?? []).flatMap(({ url, label }) => {
        const href = url.startsWith('/') ? url : webUrl(url);
        return href === undefined ? [] : [{ url: href, label: plainName(label) }];
      }),
    },
  );
}

type ErrorModel = Omit<ErrorView, 'nonce'> & Required<Pick<ErrorView, 'ways'>>;

const errorTemplate = page<ErrorModel>(`<div class="flow">
<h1><%= it.title %></h1>
<p class="lede"><%= it.message %></p>
<% if (it.whatNow) { %><p><%= it.whatNow %></p><% } %>
<% if (it.ways.length > 0) { %><div class="actions ways-on">
<% for (const [index, way] of it.ways.entries()) { %><a class="button<% if (index > 0) { %> plain modest<% } %>"
href="<%= way.url %>" rel="noreferrer"><%= way.label %></a>
<% } %></div><% } %>
<div class="fineprint small">
<p>If you ask for help, please pass this on:</p>
<dl class="facts">
<dt>Reference</dt><dd><code><%= it.requestId %></code></dd>
<dt>Error</dt><dd><code><%= it.status %><% if (it.code) { %> <%= it.code %><% } %></code></dd>
</dl>
</div>
</div>`);
