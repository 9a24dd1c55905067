import { cssVariables, DARK, LIGHT } from './palette.js';

/**
 * The one stylesheet, inlined into every page: a sign-in page that waits for a second request, or breaks without it, is
 * a sign-in page that people learn to distrust. System fonts only, for the same reason.
 *
 * The wordmark follows the printed stage direction: a bracket and italics, "[Exeunt". The bracket is a doorway.
 */
export const STYLESHEET = `
:root{color-scheme:light dark;${cssVariables(LIGHT)};
--sans:-apple-system,'Segoe UI Variable Text','Segoe UI',Roboto,'Noto Sans','Helvetica Neue','Liberation Sans',Arial,
system-ui,sans-serif;
--serif:'Iowan Old Style','Palatino Linotype',Palatino,'URW Palladio L',P052,'Source Serif 4',Georgia,
'Liberation Serif',serif;
--mono:ui-monospace,'SF Mono','Cascadia Mono',Menlo,Consolas,'Liberation Mono',monospace}
@media (prefers-color-scheme:dark){:root{${cssVariables(DARK)}}}
*,*::before,*::after{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%;background:var(--paper)}
body{margin:0;min-height:100vh;min-height:100svh;padding:clamp(1.5rem,9vh,6rem) 1.5rem 4rem;background:var(--paper);
color:var(--ink);font:400 1rem/1.55 var(--sans);overflow-wrap:anywhere;-webkit-font-smoothing:antialiased}
.column{width:100%;max-width:27rem;margin-inline:auto}
.wide .column{max-width:46rem}
h1,h2,p,ul,dl,dd,form{margin:0;padding:0}
ul{list-style:none}
h1{font-size:1.625rem;line-height:1.25;font-weight:640;letter-spacing:-.018em;text-wrap:balance}
h2{font-size:1.0625rem;line-height:1.35;font-weight:620;letter-spacing:-.006em}
p{text-wrap:pretty}
strong{font-weight:620}
a{color:var(--accent);text-decoration-thickness:.07em;text-underline-offset:.2em}
a:hover{color:var(--accent-strong);text-decoration-thickness:.12em}
code{font:.9375em/1.4 var(--mono)}
summary{cursor:pointer;color:var(--accent)}
:focus{outline:0}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.hidden{position:absolute;width:1px;height:1px;margin:-1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}

.masthead{margin-bottom:1.375rem}
.wordmark{display:inline-flex;align-items:center;gap:.4rem;color:var(--ink);font:italic 400 1.5rem/1 var(--serif);
letter-spacing:-.005em}
.wordmark svg{display:block;color:var(--accent)}
.sheet{padding:2.25rem;background:var(--sheet);border:1px solid var(--line);border-radius:1rem;
box-shadow:0 1px 2px rgb(10 30 20/.04),0 12px 32px -12px rgb(10 30 20/.1)}
.flow>*+*{margin-top:1.125rem}
.flow>h1+*{margin-top:.5rem}
.flow>.actions,.flow>form{margin-top:1.75rem}
.flow>.actions+.actions{margin-top:.75rem}
.flow>.aside{margin-top:.5rem}
.flow>form+.small,.flow>.published{margin-top:1.25rem}
.lede{font-size:1.0625rem;color:var(--quiet)}
.quiet,.small{color:var(--quiet)}
.lede strong,.quiet strong{color:var(--ink)}
.small{font-size:.875rem;line-height:1.5}

.client{display:flex;align-items:center;gap:.75rem;margin-bottom:1.375rem;min-width:0}
.client .name{font-weight:620;line-height:1.3}
.client .host{font-size:.875rem;line-height:1.35}
.tile{flex:none;display:grid;place-items:center;width:max-content;min-width:2.75rem;height:2.75rem;border-radius:.7rem;
overflow:hidden;background:var(--wash);color:var(--accent);font:400 1.375rem/1 var(--serif)}
.tile img{position:relative;grid-area:1/1;display:block;width:auto;height:2.75rem;min-width:2.75rem;max-width:11rem;
object-fit:contain;background:#fff;color:transparent}
.tile img::after{content:attr(data-initial);position:absolute;inset:0;display:grid;place-items:center;
background:var(--wash);color:var(--accent)}

label,.label{display:block;font-size:.9375rem;font-weight:580}
input[type=text],input[type=password]{display:block;width:100%;min-height:3rem;margin-top:.375rem;
padding:.625rem .875rem;border:1px solid var(--edge);border-radius:.625rem;background:var(--sheet);
color:var(--ink);font:inherit}
input:hover{border-color:var(--quiet)}
input:focus-visible{outline-offset:-1px;border-color:var(--accent)}
input[readonly]{border-color:var(--line);background:var(--wash)}
input[aria-invalid=true]{border-color:var(--alarm)}
.fields>*+*{margin-top:1.125rem}
.fields>.actions{margin-top:1.625rem}

.choice{display:grid;grid-template-columns:1.25rem 1fr;column-gap:.75rem}
.choice input{width:1.25rem;height:1.25rem;margin:.0625rem 0 0;accent-color:var(--accent);cursor:pointer}
.choice label{cursor:pointer}
.choice .small{grid-column:2;margin-top:.25rem}
.choice+.actions{margin-top:1.625rem}

.button{display:inline-flex;align-items:center;justify-content:center;min-height:3rem;padding:.625rem 1.25rem;
border:1px solid transparent;border-radius:.625rem;background:var(--accent);color:var(--on-accent);
font:600 1rem/1.25 var(--sans);text-align:center;text-decoration:none;cursor:pointer;
transition:background-color .15s ease,border-color .15s ease,color .15s ease}
.button:hover{background:var(--accent-strong);color:var(--on-accent)}
.button:active{background:var(--accent)}
.button.plain{background:transparent;border-color:var(--edge);color:var(--ink)}
.button.plain:hover{border-color:var(--ink);background:var(--wash);color:var(--ink)}
.button.modest{min-height:2.75rem;padding:.5rem 1rem;font-size:.9375rem}
.button.text{min-height:2.25rem;padding:.25rem 0;justify-content:flex-start;background:transparent;color:var(--accent);
font-size:.9375rem;text-align:start}
.button.text:hover{background:transparent;color:var(--accent-strong);text-decoration:underline}
.button:disabled{opacity:.6;cursor:progress}
.actions{display:flex;flex-wrap:wrap;gap:.75rem}
.actions>*{flex:1 1 9rem}
.actions.start>*{flex:0 1 auto}
.actions.whole .button{white-space:nowrap}
.actions.whole+.small{margin-top:.75rem}
.actions.others{gap:.25rem;margin-top:1.5rem;padding-top:1rem;border-top:1px solid var(--line)}
.actions.others>*{flex:1 1 100%}
.others+.small{margin-top:.25rem}
.actions.ways-on>*{flex:1 1 100%}
.flow>.ways-on+.fineprint{margin-top:1.75rem}
.aside .button{width:100%;border-color:transparent;color:var(--accent)}
.aside .button:hover{border-color:transparent;color:var(--accent-strong)}
.flow>.upstreams{margin-top:1.5rem}
.upstreams ul{margin-top:1.125rem}
.upstreams li+li{margin-top:.75rem}
.upstreams .button{width:100%}
.or{display:flex;align-items:center;gap:.875rem;font-size:.875rem;line-height:1.5;color:var(--quiet)}
.or::before,.or::after{content:'';flex:1 1 0;border-top:1px solid var(--line)}

.note,.alert,.flash{padding:.8125rem 1rem;border-radius:.625rem;background:var(--wash);font-size:.9375rem;
line-height:1.5}
.alert{background:var(--alarm-wash);color:var(--alarm);font-weight:520}
.flow>h1+.alert,.flow>.lede+.alert{margin-top:1.25rem}

/* There at once where nothing moves (see the end). */
.late{animation:appear .3s 4s both}
@keyframes appear{from{visibility:hidden;opacity:0}}

.list>li{padding:.75rem 0;border-top:1px solid var(--line)}
.list>li:last-child{border-bottom:1px solid var(--line)}
.asks>li{display:flex;gap:.75rem}
.asks>li::before{content:'';flex:none;width:.4375rem;height:.4375rem;margin-top:.5625rem;border-radius:50%;
background:var(--accent)}
.states>li{display:grid;grid-template-columns:1.125rem 1fr;column-gap:.75rem}
.states svg{margin-top:.25rem}
.states .name{font-weight:580}
.states .state{grid-column:2;font-size:.9375rem;line-height:1.45;color:var(--quiet)}
.confirmed svg{color:var(--accent)}
.asked svg{color:var(--quiet)}
.pending svg{color:var(--wait)}
.unreachable svg,.not_told svg{color:var(--alarm)}

.sessions>li{display:flex;flex-wrap:wrap;align-items:flex-start;justify-content:space-between;gap:1rem;
padding:1.375rem 0}
.sessions .about{flex:1 1 18rem;min-width:0}
.sessions .act{flex:0 0 auto}
.badge{display:inline-block;margin-inline-start:.375rem;padding:.125rem .5625rem;border-radius:1rem;
background:var(--wash);color:var(--accent);font-size:.8125rem;font-weight:600;letter-spacing:0;line-height:1.5;
white-space:nowrap;vertical-align:.06em}
.facts{display:grid;grid-template-columns:max-content 1fr;gap:.1875rem 1rem;margin-top:.5rem;font-size:.9375rem}
.facts dt{color:var(--quiet)}
.facts dd{min-width:0}

.hero h1{font:400 clamp(2rem,6.5vw,2.875rem)/1.12 var(--serif);letter-spacing:-.02em}
.hero h1 span{display:inline-block}
.hero .lede{max-width:35em;font-size:1.125rem}
.flow.hero>h1+*{margin-top:1rem}
.ways{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,12rem),1fr));gap:1.5rem 2rem;
padding-top:1.75rem;border-top:1px solid var(--line)}
.flow>.ways{margin-top:2.25rem}
.ways p{margin-top:.25rem}

@media (max-width:30rem){
body{padding:1.5rem 1.25rem 2.5rem;background:var(--sheet)}
html{background:var(--sheet)}
.masthead{margin-bottom:1.75rem}
.sheet{padding:0;border:0;border-radius:0;box-shadow:none}
.sessions .act,.sessions .act .button,.actions.start>*{width:100%}
}
@media (max-width:22.5rem){.facts{grid-template-columns:1fr;gap:0}.facts dd+dt{margin-top:.5rem}}
@media (prefers-reduced-motion:reduce){*,*::before,*::after{transition:none!important;animation:none!important;
scroll-behavior:auto!important}}
`;
