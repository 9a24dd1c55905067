export interface DemoPageView {
  readonly name: string;
  readonly other: { readonly name: string; readonly url: string } | undefined;
  readonly signedIn: { readonly name: string; readonly sid: string; readonly since: Date } | undefined;
  /** When the provider last said that a session ended. */
  readonly lastLogout: Date | undefined;
}

/** The page of a demo application: what it knows, and one thing to do. It looks again every two seconds. */
export function demoPage(view: DemoPageView): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="2">
<link rel="icon" href="data:,">
<title>${escape(view.name)}</title>
<style>${STYLE}</style>
</head>
<body class="${view.signedIn === undefined ? 'out' : 'in'}">
<main>
<p class="kind">Demo application</p>
<h1>${escape(view.name)}</h1>
${view.signedIn === undefined ? signedOut(view) : signedIn(view.signedIn)}
${view.other === undefined ? '' : `<p class="other">The other one: <a href="${escape(view.other.url)}">${escape(view.other.name)}</a></p>`}
</main>
</body>
</html>`;
}

function signedIn(person: NonNullable<DemoPageView['signedIn']>): string {
  return `<p id="status" class="status">Signed in as <strong>${escape(person.name)}</strong></p>
<dl><dt>since</dt><dd>${time(person.since)}</dd><dt>session here (sid)</dt><dd><code>${escape(person.sid)}</code></dd></dl>
<p><a id="sign-out" class="button" href="/logout">Sign out everywhere</a></p>`;
}

function signedOut(view: DemoPageView): string {
  const told =
    view.lastLogout === undefined
      ? ''
      : `<p id="told" class="told">Your provider told this application at ${time(view.lastLogout)} that you signed out.</p>`;
  return `<p id="status" class="status">Nobody is signed in</p>${told}
<p><a id="sign-in" class="button" href="/login">Sign in</a></p>`;
}

function time(moment: Date): string {
  return `<time datetime="${moment.toISOString()}">${moment.toISOString().slice(11, 19)} UTC</time>`;
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

const STYLE = `
:root{color-scheme:light dark;font:17px/1.55 system-ui,sans-serif;--ink:#17211c;--quiet:#5b6861;--paper:#f5f6f4;--card:#fff;--accent:#0d6246}
@media (prefers-color-scheme:dark){:root{--ink:#e8eeea;--quiet:#a2afa8;--paper:#111614;--card:#1a211e;--accent:#5fbf95}}
body{margin:0;min-height:100vh;display:grid;place-items:center;background:var(--paper);color:var(--ink)}
main{width:min(28rem,calc(100vw - 4rem));background:var(--card);padding:2rem;border-radius:1rem;border-top:.4rem solid var(--quiet)}
.in main{border-top-color:var(--accent)}
.kind{margin:0;color:var(--quiet);font-size:.85rem}
h1{margin:0 0 1rem;font-size:1.7rem}
.status{font-size:1.15rem;margin:0 0 .5rem}
.told{margin:.5rem 0;padding:.6rem .9rem;border-left:.25rem solid var(--accent);background:color-mix(in srgb,var(--accent) 10%,transparent)}
dl{display:grid;grid-template-columns:auto 1fr;gap:.2rem 1rem;margin:0 0 1.2rem;color:var(--quiet);font-size:.9rem}
dd{margin:0;overflow-wrap:anywhere;color:var(--ink)}
.button{display:inline-block;margin-top:.6rem;padding:.6rem 1.2rem;border-radius:.6rem;background:var(--accent);color:var(--card);text-decoration:none;font-weight:600}
.other{margin:1.4rem 0 0;color:var(--quiet);font-size:.9rem}
a{color:var(--accent)}`;
