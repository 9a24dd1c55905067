import { Eta } from 'eta/core';
import { DARK, LIGHT } from './palette.js';
import { CONSOLE_STYLESHEET } from './console-stylesheet.js';
import { STYLESHEET } from './stylesheet.js';

/** What the document around a page needs to know. */
export interface Frame {
  readonly nonce: string;
  /** Of the browser tab; "Exeunt" is added. */
  readonly title: string;
  /** `wide` for pages that list things, `broad` for tables and plots. */
  readonly width?: 'narrow' | 'wide' | 'broad' | undefined;
}

/**
 * `eta/core` has no file access. Newlines after a tag are kept: by default they would be eaten, and words that a
 * template puts on two lines would run together.
 */
const eta = new Eta({ autoTrim: false, escapeFunction: escapeHtml });

/**
 * Text and attribute values alike (always in double quotes). A missing value throws instead of printing "undefined":
 * templates are not type-checked, and an empty `csrf` would be found by a person instead of by a test.
 */
function escapeHtml(value: unknown): string {
  if (typeof value !== 'string' && typeof value !== 'number') {
    throw new TypeError(`A page template printed a value of type ${typeof value}`);
  }
  return String(value).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Compiles the inside of `main` once; the returned function renders it into the document. */
export function page<Model extends object>(template: string): (frame: Frame, model: Model) => string {
  const body = eta.compile(template);
  return (frame, model) =>
    eta.render(documentTemplate, {
      nonce: frame.nonce,
      title: frame.title,
      width: frame.width ?? 'narrow',
      body: eta.render(body, model),
    });
}

/** Compiles a part of a page that is also sent by itself, to replace what stands there. */
export function fragment<Model extends object>(template: string): (model: Model) => string {
  const compiled = eta.compile(template);
  return (model) => eta.render(compiled, model);
}

/** The favicon is a data URI: without one, browsers ask for /favicon.ico on every page, and the policy refuses it. */
const ICON =
  'data:image/svg+xml,' +
  encodeURIComponent(
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">' +
      `<rect width="32" height="32" rx="8" fill="${LIGHT.accent}"/>` +
      '<path d="M20 8h-7v16h7" fill="none" stroke="#fff" stroke-width="3"/></svg>',
  );

const documentTemplate = eta.compile(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title><%= it.title %> · Exeunt</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="color-scheme" content="light dark">
<meta name="theme-color" content="${LIGHT.sheet}" media="(prefers-color-scheme: light)">
<meta name="theme-color" content="${DARK.sheet}" media="(prefers-color-scheme: dark)">
<link rel="icon" href="${ICON}">
<style nonce="<%= it.nonce %>">${STYLESHEET}<% if (it.width === 'broad') { %>${CONSOLE_STYLESHEET}<% } %></style>
</head>
<body class="<%= it.width %>">
<header class="column masthead">
<span class="wordmark"><svg width="9" height="24" viewBox="0 0 9 24" aria-hidden="true" focusable="false"><path
d="M8 1H1.5v22H8" fill="none" stroke="currentColor" stroke-width="2"/></svg>Exeunt</span>
</header>
<main class="column">
<div class="sheet">
<%~ it.body %>
</div>
</main>
</body>
</html>
`);

/** Who looks at the console, and the way out. */
eta.loadTemplate(
  '@operator',
  `<div class="bar"><span>Operator: <strong><%= it.operator %></strong></span>
<form method="post" action="<%= it.signOutAction %>"><%~ include('@csrf') %>
<button class="button plain modest" id="console-sign-out" type="submit">Leave the console</button></form></div>`,
);

/** Applications by name, in a sentence. A new tab, so that this page is still there afterwards. */
eta.loadTemplate(
  '@applications',
  `<% it.applications.forEach(function (application, index) { %><% if (index > 0) { %>, <% } %><% if (application.url) { %><a
href="<%= application.url %>" rel="noopener noreferrer" target="_blank"><%= application.name %><span class="hidden"> (opens in
a new tab)</span></a><% } else { %><%= application.name %><% } %><% }) %>`,
);

eta.loadTemplate('@csrf', '<input type="hidden" name="csrf" value="<%= it.csrf %>">');

/**
 * The application's mark, as wide as its image is up to four times its height. The letter shows when there is no image,
 * and covers one that does not load. The application's host learns that its image is loaded, but not from which page.
 */
eta.loadTemplate(
  '@tile',
  `<span class="tile" aria-hidden="true"><%= it.client.initial %><% if (it.client.logo) { %><img
src="<%= it.client.logo %>" alt="" data-initial="<%= it.client.initial %>" height="44"
referrerpolicy="no-referrer"><% } %></span>`,
);

eta.loadTemplate(
  '@client',
  `<div class="client"><%~ include('@tile') %>
<div>
<p class="name"><%= it.client.name %></p>
<% if (it.client.home) { %><p class="host"><a href="<%= it.client.home.url %>" rel="noopener noreferrer"
target="_blank"><%= it.client.home.host %><span class="hidden"> (opens in a new tab)</span></a></p><% } %>
</div>
</div>`,
);

/** What the application has published about itself (OpenID Connect Dynamic Client Registration 1.0 §2). */
eta.loadTemplate(
  '@published',
  `<% if (it.client.policy || it.client.terms) { %><p class="small published"><%= it.client.name %> has published
<% if (it.client.policy) { %><a id="client-policy"
href="<%= it.client.policy %>" target="_blank" rel="noopener noreferrer">how it treats your
data<span class="hidden"> (opens in a new tab)</span></a><% } %><% if (it.client.policy && it.client.terms) { %> and
<% } %><% if (it.client.terms) { %><a id="client-terms"
href="<%= it.client.terms %>" target="_blank" rel="noopener noreferrer">its terms of
use<span class="hidden"> (opens in a new tab)</span></a><% } %>.</p><% } %>`,
);
