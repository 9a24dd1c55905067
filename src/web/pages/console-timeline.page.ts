import { FOLLOW } from './follow.js';
import { leftOut } from './plots.js';
import { fragment, page } from './templates.js';
import { compactDuration, counted, exactTime, plainName } from './words.js';
import type { ConsoleTerminationView, ConsoleView, LiveView, NoticeState } from './views.js';

export interface ConsoleTimelineFigures extends ConsoleTerminationView {
  readonly id: string;
  readonly account: string | undefined;
  readonly deliveries: ReadonlyArray<{
    readonly application: string;
    readonly clientId: string;
    readonly state: NoticeState;
    readonly attemptsMade: number;
    readonly nextAttemptAt: Date | undefined;
    readonly finishedAt: Date | undefined;
    readonly attempts: ReadonlyArray<{
      readonly number: number;
      readonly startedAt: Date;
      readonly durationMs: number;
      readonly status: number | undefined;
      readonly error: string | undefined;
    }>;
  }>;
  /** Notices that are left out. */
  readonly moreDeliveries: number;
  /** Applications that took part and get no notice. */
  readonly withoutNotice: ReadonlyArray<{
    readonly application: string;
    readonly clientId: string;
    readonly state: 'asked' | 'not_told';
    /** In words, with `not_told`. */
    readonly why: string | undefined;
  }>;
  /** Undefined while a notice is pending, or the receipt is about to be signed. */
  readonly receipt:
    | {
        readonly sequence: number;
        readonly revision: number;
        readonly hash: string;
        readonly issuedAt: Date;
        readonly jws: string;
      }
    | undefined;
}

export interface ConsoleTimelineView extends ConsoleView {
  readonly figures: ConsoleTimelineFigures;
  readonly overviewUrl: string;
  /** Undefined when it is final. */
  readonly live: LiveView | undefined;
}

/** One logout: who, why, what fell, and what each application said, when. */
export function renderConsoleTimelinePage(view: ConsoleTimelineView): string {
  return timelineTemplate(
    { nonce: view.nonce, title: 'One logout', width: 'broad' },
    {
      nonce: view.nonce,
      csrf: view.csrf,
      operator: plainName(view.operator),
      signOutAction: view.signOutAction,
      overviewUrl: view.overviewUrl,
      live: view.live,
      figures: renderConsoleTimeline(view.figures),
    },
  );
}

/** The part that changes while an operator looks on. */
export function renderConsoleTimeline(figures: ConsoleTimelineFigures): string {
  /** From the decision on, which is what matters here; a clock that was set back shows as 0. */
  const after = (instant: Date): string =>
    `+ ${compactDuration(Math.max(0, instant.getTime() - figures.at.getTime()) / 1000)}`;
  const { receipt } = figures;
  return figuresTemplate({
    facts: [
      { label: 'Ended', text: exactTime(figures.at) },
      { label: 'Cause', text: figures.cause },
      { label: 'By', text: figures.initiator },
      { label: 'Account', text: figures.account ?? 'no single person’s' },
      { label: 'Sessions', text: String(figures.sessions) },
      { label: 'Grants revoked', text: String(figures.grantsRevoked) },
      { label: 'Id', text: figures.id },
    ],
    heading: counted(figures.notices, 'notice', 'notices'),
    notices: figures.deliveries.map((delivery) => ({
      name: plainName(delivery.application) || delivery.clientId,
      clientId: delivery.clientId,
      state: delivery.state,
      words:
        delivery.finishedAt === undefined
          ? delivery.nextAttemptAt && `next attempt ${after(delivery.nextAttemptAt)}`
          : after(delivery.finishedAt),
      earlier: leftOut(delivery.attemptsMade - delivery.attempts.length, 'earlier attempt', 'earlier attempts'),
      attempts: delivery.attempts.map((attempt) => ({
        number: attempt.number,
        at: exactTime(attempt.startedAt),
        after: after(attempt.startedAt),
        took: compactDuration(attempt.durationMs / 1000),
        answer: answerOf(attempt.status, attempt.error),
      })),
    })),
    others: figures.withoutNotice.map(({ application, clientId, state, why }) => ({
      name: plainName(application) || clientId,
      clientId,
      state,
      words: state === 'asked' ? 'asked in the browser' : 'cannot be told',
      why: why ?? 'By a frame on the signed-out page: what came of it cannot be known.',
    })),
    moreNotices: leftOut(figures.moreDeliveries, 'notice', 'notices'),
    receipt: receipt && {
      title: `Receipt ${receipt.sequence}${receipt.revision === 1 ? '' : `, revision ${receipt.revision}`}`,
      issuedAt: exactTime(receipt.issuedAt),
      hash: receipt.hash,
      jws: receipt.jws,
    },
  });
}

interface FiguresModel {
  readonly facts: ReadonlyArray<{ readonly label: string; readonly text: string }>;
  readonly heading: string;
  readonly notices: ReadonlyArray<{
    readonly name: string;
    readonly clientId: string;
    readonly state: string;
    readonly words?: string | undefined;
    readonly earlier?: string | undefined;
    readonly attempts: ReadonlyArray<{
      readonly number: number;
      readonly at: string;
      readonly after: string;
      readonly took: string;
      readonly answer: string;
    }>;
  }>;
  readonly others: ReadonlyArray<{
    readonly name: string;
    readonly clientId: string;
    readonly state: string;
    readonly words: string;
    readonly why: string;
  }>;
  readonly moreNotices?: string | undefined;
  readonly receipt?:
    | {
        readonly title: string;
        readonly issuedAt: string;
        readonly hash: string;
        readonly jws: string;
      }
    | undefined;
}

interface TimelineModel {
  readonly nonce: string;
  readonly csrf: string;
  readonly operator: string;
  readonly signOutAction: string;
  readonly overviewUrl: string;
  readonly live?: LiveView | undefined;
  readonly figures: string;
}

/** `http_503` says no more than the status does. */
function answerOf(status: number | undefined, error: string | undefined): string {
  if (status === undefined) return error ?? 'no answer';
  return error === undefined || error === `http_${status}` ? `HTTP ${status}` : `HTTP ${status}, ${error}`;
}

const figuresTemplate = fragment<FiguresModel>(`<div class="console">
<dl class="facts"><% for (const fact of it.facts) { %><dt><%= fact.label %></dt><dd><%= fact.text %></dd>
<% } %></dl>
<section>
<h2><%= it.heading %></h2>
<% for (const notice of it.notices) { %><div class="notice" data-testid="notice">
<div class="head"><h3><%= notice.name %></h3><span><span
class="state-<%= notice.state %>"><%= notice.state %></span><% if (notice.words) { %>, <%= notice.words %><% } %></span></div>
<span class="id"><%= notice.clientId %></span>
<% if (notice.earlier) { %><p class="small"><%= notice.earlier %></p><% } %>
<% if (notice.attempts.length > 0) { %><table class="stack">
<thead><tr><th scope="col">Attempt</th><th scope="col">Begun</th><th scope="col" class="n">After</th><th scope="col"
class="n">Took</th><th scope="col">Answer</th></tr></thead>
<tbody><% for (const attempt of notice.attempts) { %>
<tr><td data-label="Attempt"><%= attempt.number %></td><td class="w" data-label="Begun"><%= attempt.at %></td><td class="n"
data-label="After"><%= attempt.after %></td><td class="n" data-label="Took"><%= attempt.took %></td><td
class="w" data-label="Answer"><%= attempt.answer %></td></tr><% } %>
</tbody></table><% } else { %><p class="small">Not tried yet.</p><% } %>
</div>
<% } %>
<% if (it.moreNotices) { %><p class="small"><%= it.moreNotices %></p><% } %>
</section>
<% if (it.others.length > 0) { %><section>
<h2>Without a notice</h2>
<% for (const other of it.others) { %><div class="notice" data-testid="without-notice">
<div class="head"><h3><%= other.name %></h3><span class="state-<%= other.state %>"><%= other.words %></span></div>
<span class="id"><%= other.clientId %></span>
<p class="small"><%= other.why %></p>
</div>
<% } %></section><% } %>
<section>
<% if (it.receipt) { %><h2 id="receipt"><%= it.receipt.title %></h2>
<dl class="facts"><dt>Signed</dt><dd><%= it.receipt.issuedAt %></dd><dt>Hash</dt><dd><code><%= it.receipt.hash %></code></dd></dl>
<details><summary>The signed receipt</summary><code class="jws"><%= it.receipt.jws %></code></details>
<% } else { %><h2 id="receipt">No receipt yet</h2>
<p class="quiet">It is signed when no notice is pending any more.</p><% } %>
</section>
</div>`);

const timelineTemplate = page<TimelineModel>(`<div class="flow">
<%~ include('@operator') %>
<p class="small"><a id="overview" href="<%= it.overviewUrl %>">All logouts</a></p>
<h1>One logout</h1>
<% if (it.live) { %><div id="live" data-events="<%= it.live.eventsUrl %>" data-again>
<%~ it.figures %></div>
<p class="small" id="reload"><a href="<%= it.live.reloadUrl %>">See how it stands now</a></p>
<script nonce="<%= it.nonce %>">${FOLLOW}</script>
<% } else { %><%~ it.figures %><% } %>
</div>`);
