import { FOLLOW } from './follow.js';
import { endingsPlot, ENDINGS, latencyPlot, leftOut, swatch } from './plots.js';
import { fragment, page } from './templates.js';
import { compactDuration, exactTime, plainName } from './words.js';
import type { ConsoleTerminationView, ConsoleView, LatencyView, LiveView, NoticeCounts, NoticeState } from './views.js';

/** What changes while an operator looks on. */
export interface ConsoleOverviewFigures {
  readonly at: Date;
  readonly counts: NoticeCounts;
  /** The states of which there are more than were counted. */
  readonly more: ReadonlySet<NoticeState>;
  /** How many are counted of each hour, at most. */
  readonly countedOfAnHour: number;
  readonly latency: LatencyView | undefined;
  readonly oldestPendingAt: Date | undefined;
  readonly hours: ReadonlyArray<{
    readonly startsAt: Date;
    readonly counts: NoticeCounts;
    readonly latency: LatencyView | undefined;
  }>;
  readonly applications: ReadonlyArray<{
    readonly name: string;
    readonly clientId: string;
    readonly counts: NoticeCounts;
    readonly latency: LatencyView | undefined;
    readonly oldestPendingAt: Date | undefined;
  }>;
  /** Applications that are left out. */
  readonly moreApplications: number;
  readonly failures: ReadonlyArray<{
    readonly url: string;
    readonly application: string;
    readonly state: NoticeState;
    readonly at: Date;
    readonly error: string | undefined;
  }>;
  readonly terminations: readonly ConsoleTerminationView[];
  readonly olderUrl: string | undefined;
}

export interface ConsoleOverviewView extends ConsoleView {
  readonly figures: ConsoleOverviewFigures;
  /** Undefined on pages of older terminations, which do not change. */
  readonly live: LiveView | undefined;
}

/** How notices stand and how they went in the last day; what ended lately. */
export function renderConsoleOverviewPage(view: ConsoleOverviewView): string {
  return overviewTemplate(
    { nonce: view.nonce, title: 'Logouts', width: 'broad' },
    {
      nonce: view.nonce,
      csrf: view.csrf,
      operator: plainName(view.operator),
      signOutAction: view.signOutAction,
      live: view.live,
      figures: renderConsoleOverview(view.figures),
    },
  );
}

/** The part that changes while an operator looks on. */
export function renderConsoleOverview(figures: ConsoleOverviewFigures): string {
  const { counts, latency, oldestPendingAt } = figures;
  const age = (since: Date | undefined): string | undefined =>
    since && compactDuration(Math.max(0, figures.at.getTime() - since.getTime()) / 1000);
  const oldest = age(oldestPendingAt);
  const counted = (state: NoticeState): string => `${counts[state]}${figures.more.has(state) ? '+' : ''}`;
  return figuresTemplate({
    at: { text: exactTime(figures.at), datetime: figures.at.toISOString() },
    tiles: [
      { label: 'Pending', value: counted('pending'), note: oldest === undefined ? 'none' : `oldest: ${oldest}` },
      { label: 'Delivered', value: counted('delivered'), note: 'in 24 hours' },
      { label: 'Rejected', value: counted('rejected'), note: 'in 24 hours' },
      { label: 'Abandoned', value: counted('abandoned'), note: 'in 24 hours' },
      { label: 'Half accept within', value: durationOf(latency, 'p50'), note: 'p50, decision to acceptance' },
      { label: '95 of 100 within', value: durationOf(latency, 'p95'), note: 'p95' },
    ],
    more:
      figures.more.size === 0
        ? undefined
        : `There are more than are counted here: of each hour the latest ${figures.countedOfAnHour}, and of pending ones the oldest.`,
    endings: endingsPlot(figures.hours),
    endingsLegend: ENDINGS.map((state) => ({ swatch: swatch(state), words: state })),
    latencies: latencyPlot(figures.hours),
    latencyLegend: [
      { swatch: swatch('p50'), words: 'p50' },
      { swatch: swatch('p95'), words: 'p95' },
    ],
    applications: figures.applications.map((application) => ({
      name: plainName(application.name) || application.clientId,
      clientId: application.clientId,
      cells: [
        { label: 'Pending', text: String(application.counts.pending) },
        { label: 'Oldest', text: age(application.oldestPendingAt) ?? '–' },
        { label: 'Delivered', text: String(application.counts.delivered) },
        { label: 'Rejected', text: String(application.counts.rejected) },
        { label: 'Abandoned', text: String(application.counts.abandoned) },
        { label: 'p50', text: durationOf(application.latency, 'p50') },
        { label: 'p95', text: durationOf(application.latency, 'p95') },
      ],
    })),
    moreApplications: leftOut(figures.moreApplications, 'application', 'applications'),
    failures: figures.failures.map((failure) => ({
      ...failure,
      application: plainName(failure.application),
      at: exactTime(failure.at),
      error: failure.error ?? '–',
    })),
    terminations: figures.terminations.map((termination) => ({
      ...termination,
      at: exactTime(termination.at),
      receipt: termination.receipted ? 'signed' : 'pending',
    })),
    olderUrl: figures.olderUrl,
  });
}

interface Legend {
  readonly swatch: string;
  readonly words: string;
}

interface FiguresModel {
  readonly at: { readonly text: string; readonly datetime: string };
  readonly tiles: ReadonlyArray<{ readonly label: string; readonly value: string | number; readonly note: string }>;
  readonly more?: string | undefined;
  readonly endings: string;
  readonly endingsLegend: readonly Legend[];
  readonly latencies: string;
  readonly latencyLegend: readonly Legend[];
  readonly applications: ReadonlyArray<{
    readonly name: string;
    readonly clientId: string;
    readonly cells: ReadonlyArray<{ readonly label: string; readonly text: string }>;
  }>;
  readonly moreApplications?: string | undefined;
  readonly failures: ReadonlyArray<{
    readonly url: string;
    readonly application: string;
    readonly state: string;
    readonly at: string;
    readonly error: string;
  }>;
  readonly terminations: ReadonlyArray<{
    readonly url: string;
    readonly at: string;
    readonly cause: string;
    readonly initiator: string;
    readonly sessions: number;
    readonly grantsRevoked: number;
    readonly notices: number;
    readonly asked: number;
    readonly notNotified: number;
    readonly receipt: string;
  }>;
  readonly olderUrl?: string | undefined;
}

interface OverviewModel {
  readonly nonce: string;
  readonly csrf: string;
  readonly operator: string;
  readonly signOutAction: string;
  readonly live?: LiveView | undefined;
  readonly figures: string;
}

function durationOf(latency: LatencyView | undefined, which: keyof LatencyView): string {
  return latency === undefined ? '–' : compactDuration(latency[which]);
}

const LEGEND = (legend: string): string =>
  `<ul class="legend"><% for (const entry of it.${legend}) { %><li><%~ entry.swatch %><%= entry.words %></li><% } %></ul>`;

const figuresTemplate = fragment<FiguresModel>(`<div class="console">
<p class="lede">As of <time datetime="<%= it.at.datetime %>"><%= it.at.text %></time></p>
<dl class="tiles">
<% for (const tile of it.tiles) { %><div><dt><%= tile.label %></dt><dd><%= tile.value %>
<span class="small"><%= tile.note %></span></dd></div>
<% } %></dl>
<% if (it.more) { %><p class="small" data-testid="more"><%= it.more %></p><% } %>
<div class="plots">
<figure><figcaption><h2>Notices that ended, by the hour</h2>${LEGEND('endingsLegend')}</figcaption>
<%~ it.endings %></figure>
<figure><figcaption><h2>Decision to acceptance, by the hour</h2>${LEGEND('latencyLegend')}</figcaption>
<%~ it.latencies %></figure>
</div>
<section>
<h2 id="applications">Applications</h2>
<% if (it.applications.length === 0) { %><p class="quiet">No application had a notice in the last 24 hours.</p>
<% } else { %><table class="stack" aria-labelledby="applications">
<thead><tr><th scope="col">Application</th><% for (const cell of it.applications[0].cells) { %><th scope="col"
class="n"><%= cell.label %></th><% } %></tr></thead>
<tbody><% for (const application of it.applications) { %>
<tr><th scope="row"><%= application.name %><span class="id"><%= application.clientId %></span></th><% for (const cell of
application.cells) { %><td class="n" data-label="<%= cell.label %>"><%= cell.text %></td><% } %></tr><% } %>
</tbody></table>
<% if (it.moreApplications) { %><p class="small"><%= it.moreApplications %></p><% } %><% } %>
</section>
<% if (it.failures.length > 0) { %><section>
<h2 id="failures">Notices that failed lately</h2>
<table class="stack" aria-labelledby="failures">
<thead><tr><th scope="col">When</th><th scope="col">Application</th><th scope="col">State</th><th
scope="col">Last answer</th></tr></thead>
<tbody><% for (const failure of it.failures) { %>
<tr><th scope="row"><a href="<%= failure.url %>"><%= failure.at %></a></th><td
class="w" data-label="Application"><%= failure.application %></td><td class="w" data-label="State"><span
class="state-<%= failure.state %>"><%= failure.state %></span></td><td class="w" data-label="Last answer"><%= failure.error %></td></tr><% } %>
</tbody></table>
</section><% } %>
<section>
<h2 id="terminations">Latest logouts</h2>
<% if (it.terminations.length === 0) { %><p class="quiet">Nothing has ended yet.</p><% } else { %>
<table class="stack" aria-labelledby="terminations">
<thead><tr><th scope="col">When</th><th scope="col">Cause</th><th scope="col">By</th><th scope="col"
class="n">Sessions</th><th scope="col" class="n">Grants</th><th scope="col" class="n">Notified</th><th scope="col" class="n">Asked</th><th scope="col" class="n">Not notified</th><th
scope="col">Receipt</th></tr></thead>
<tbody><% for (const termination of it.terminations) { %>
<tr data-testid="termination"><th scope="row"><a href="<%= termination.url %>"><%= termination.at %></a></th><td
class="w" data-label="Cause"><%= termination.cause %></td><td class="w" data-label="By"><%= termination.initiator %></td><td class="n"
data-label="Sessions"><%= termination.sessions %></td><td class="n" data-label="Grants"><%= termination.grantsRevoked %></td><td
class="n" data-label="Notified"><%= termination.notices %></td><td class="n" data-label="Asked"><%= termination.asked %></td><td
class="n" data-label="Not notified"><%= termination.notNotified %></td><td data-label="Receipt"><%= termination.receipt %></td></tr><% } %>
</tbody></table>
<% if (it.olderUrl) { %><p><a id="older" href="<%= it.olderUrl %>">Older ones</a></p><% } %><% } %>
</section>
</div>`);

const overviewTemplate = page<OverviewModel>(`<div class="flow">
<%~ include('@operator') %>
<h1>Logouts</h1>
<% if (it.live) { %><div id="live" data-events="<%= it.live.eventsUrl %>" data-again>
<%~ it.figures %></div>
<p class="small" id="reload"><a href="<%= it.live.reloadUrl %>">See how it stands now</a></p>
<script nonce="<%= it.nonce %>">${FOLLOW}</script>
<% } else { %><%~ it.figures %><% } %>
</div>`);
