import { type ApplicationLink, toApplicationLinks } from './application-links.js';
import { page } from './templates.js';
import { accountName, plainName, readableTime } from './words.js';
import type { AccountView, ApplicationLinkView, PageView } from './views.js';

export interface SessionView {
  readonly id: string;
  readonly endAction: string;
  /** The session of the browser that looks at the page. */
  readonly current: boolean;
  /** See `deviceName`. */
  readonly device: string;
  readonly address?: string | undefined;
  readonly signedInAt: Date;
  readonly lastSeenAt: Date;
  readonly applications: readonly string[];
}

export type SessionsFlash = 'session_ended' | 'others_ended' | 'nothing_to_end';

export interface SessionsView extends PageView {
  readonly csrf: string;
  readonly account: AccountView;
  readonly endOthersAction: string;
  readonly signOutUrl: string;
  readonly applicationsUrl: string;
  readonly sessions: ReadonlyArray<SessionView>;
  readonly flash?: SessionsFlash | undefined;
  /** With `flash`: applications of what has ended that cannot be notified. */
  readonly cannotTell?: ReadonlyArray<ApplicationLinkView> | undefined;
}

/** A person's own sessions: where they are signed in, and a button to end each one. This browser comes first. */
export function renderSessionsPage(view: SessionsView): string {
  const here = view.sessions.filter((session) => session.current);
  const others = view.sessions.filter((session) => !session.current);
  return sessionsTemplate(
    { nonce: view.nonce, title: 'Where you are signed in', width: 'wide' },
    {
      csrf: view.csrf,
      account: accountName(view.account),
      flash: view.flash && FLASH_WORDS[view.flash],
      cannotTell: toApplicationLinks(view.cannotTell ?? []),
      sessions: [...here, ...others].map(toSessionCard),
      hasOthers: others.length > 0,
      endOthersAction: view.endOthersAction,
      signOutUrl: view.signOutUrl,
      applicationsUrl: view.applicationsUrl,
    },
  );
}

interface SessionCard {
  readonly endAction: string;
  readonly current: boolean;
  readonly device: string;
  readonly facts: ReadonlyArray<{
    readonly label: string;
    readonly text: string;
    readonly datetime?: string | undefined;
  }>;
}

interface SessionsModel {
  readonly csrf: string;
  readonly account: string;
  readonly flash?: string | undefined;
  readonly cannotTell: readonly ApplicationLink[];
  readonly sessions: ReadonlyArray<SessionCard>;
  readonly hasOthers: boolean;
  readonly endOthersAction: string;
  readonly signOutUrl: string;
  readonly applicationsUrl: string;
}

const FLASH_WORDS: Readonly<Record<SessionsFlash, string>> = {
  session_ended: 'That session has ended.',
  others_ended: 'All other sessions have ended.',
  nothing_to_end: 'There was nothing left to end. That session was already over.',
};

function toSessionCard(session: SessionView): SessionCard {
  const used = session.applications.map(plainName).filter((name) => name !== '');
  const address = session.address === undefined ? [] : [{ label: 'Address', text: session.address }];
  return {
    endAction: session.endAction,
    current: session.current,
    device: plainName(session.device) || 'Unknown device',
    facts: [
      { label: 'Last seen', ...timeFact(session.lastSeenAt) },
      { label: 'Signed in', ...timeFact(session.signedInAt) },
      ...address,
      { label: 'Applications', text: used.length === 0 ? 'None yet' : used.join(', ') },
    ],
  };
}

function timeFact(instant: Date): { readonly text: string; readonly datetime: string } {
  return { text: readableTime(instant), datetime: instant.toISOString() };
}

const sessionsTemplate = page<SessionsModel>(`<div class="flow">
<h1>Where you are signed in</h1>
<p class="lede">These browsers are signed in as <strong><%= it.account %></strong>. If you do not recognise
one of them, end that session.</p>
<% if (it.flash) { %><p class="flash" role="status"><%= it.flash %><% if (it.cannotTell.length > 0) { %> <%= it.cannotTell.length %>
cannot be told: <%~ include('@applications', { applications: it.cannotTell }) %>; sign out there yourself.<% } %></p><% } %>
<ul class="list sessions">
<% for (const session of it.sessions) { %>
<li data-testid="session">
<div class="about">
<h2><%= session.device %><% if (session.current) { %> <span class="badge">This browser</span><% } %></h2>
<dl class="facts">
<% for (const fact of session.facts) { %><dt><%= fact.label %></dt><dd><% if (fact.datetime) { %><time
datetime="<%= fact.datetime %>"><%= fact.text %></time><% } else { %><%= fact.text %><% } %></dd>
<% } %></dl>
</div>
<% if (session.current) { %>
<div class="act"><a class="button plain modest" id="sign-out" href="<%= it.signOutUrl %>">Sign out here</a></div>
<% } else { %><form class="act" method="post" action="<%= session.endAction %>">
<%~ include('@csrf') %>
<button class="button plain modest" type="submit" data-testid="end-session">End session<span class="hidden"> of
<%= session.device %></span></button>
</form><% } %>
</li>
<% } %>
</ul>
<% if (it.hasOthers) { %><form method="post" action="<%= it.endOthersAction %>">
<%~ include('@csrf') %>
<div class="actions start"><button class="button" id="end-others" type="submit">End all other sessions</button></div>
</form>
<p class="small">Ending a session signs that browser out, and tells every application that was used in it and can
be told.</p>
<% } else { %><p class="small">You are not signed in anywhere else.</p><% } %>
<p class="small"><a href="<%= it.applicationsUrl %>">Applications with access to your account</a></p>
</div>`);
