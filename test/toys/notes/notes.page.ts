import { page } from '../../../src/web/pages/templates.js';
import type { AccountView } from '../../../src/web/pages/pages.js';
import { accountName, counted } from '../../../src/web/pages/words.js';

/** What the page is about; what is wrong is a code, and its words stand below. */
export interface NotesView {
  readonly nonce: string;
  readonly csrf: string;
  readonly account: AccountView;
  readonly notes: readonly string[];
  readonly problem?: { readonly code: 'too_long'; readonly limit: number } | undefined;
}

/** A person's notes, and a form for one more. */
export function renderNotesPage(view: NotesView): string {
  return notesTemplate(
    { nonce: view.nonce, title: 'Your notes' },
    {
      csrf: view.csrf,
      account: accountName(view.account),
      count: counted(view.notes.length, 'note', 'notes'),
      notes: view.notes,
      problem:
        view.problem && `This note is too long: ${counted(view.problem.limit, 'character', 'characters')} at most.`,
    },
  );
}

interface NotesModel {
  readonly csrf: string;
  readonly account: string;
  readonly count: string;
  readonly notes: readonly string[];
  readonly problem?: string | undefined;
}

const notesTemplate = page<NotesModel>(`<div class="flow">
<h1>Your notes</h1>
<p class="lede"><strong><%= it.account %></strong> has left <%= it.count %> here.</p>
<% if (it.problem) { %><p class="notice problem" role="alert"><%= it.problem %></p><% } %>
<ul><% it.notes.forEach(function (note) { %><li><%= note %></li><% }) %></ul>
<form method="post" action="/toy/notes"><%~ include('@csrf') %>
<label for="text">A note</label><input id="text" name="text" type="text">
<div class="actions"><button class="button" id="leave" type="submit">Leave it</button></div></form>
</div>`);
