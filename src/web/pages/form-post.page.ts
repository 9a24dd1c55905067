import { webUrl } from './safe-urls.js';
import { page } from './templates.js';
import type { PageView } from './views.js';

export interface FormPostView extends PageView {
  readonly action: string;
  readonly fields: Readonly<Record<string, string>>;
}

/**
 * Carries the answer back by POST (OAuth 2.0 Form Post Response Mode 1.0 §2). The script presses the button; without
 * scripts the person does. `submit` is taken from the prototype because a field of that name would hide the form's own.
 *
 * @throws TypeError when the target is no web address. The registry refuses those, so this is a bug and not an answer:
 * a form whose action is `javascript:` must not exist for even one reader.
 */
export function renderFormPostPage(view: FormPostView): string {
  const action = webUrl(view.action);
  if (action === undefined) {
    throw new TypeError('The target of a form post is not a web address');
  }
  return formPostTemplate(
    { nonce: view.nonce, title: 'Taking you back' },
    { nonce: view.nonce, action, host: new URL(action).host, fields: Object.entries(view.fields) },
  );
}

interface FormPostModel {
  readonly nonce: string;
  readonly action: string;
  readonly host: string;
  readonly fields: ReadonlyArray<readonly [name: string, value: string]>;
}

const formPostTemplate = page<FormPostModel>(`<div class="flow">
<h1>Taking you back</h1>
<p class="lede">You are on your way to <strong><%= it.host %></strong>. If nothing happens, please continue by hand.</p>
<form method="post" action="<%= it.action %>">
<% for (const [name, value] of it.fields) { %><input type="hidden" name="<%= name %>" value="<%= value %>">
<% } %><div class="actions"><button class="button" type="submit">Continue</button></div>
</form>
<script nonce="<%= it.nonce %>">HTMLFormElement.prototype.submit.call(document.forms[0])</script>
</div>`);
