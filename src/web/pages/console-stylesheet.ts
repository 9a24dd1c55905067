/** What only the console's pages need, besides the stylesheet of all. */
export const CONSOLE_STYLESHEET = `
.broad .column{max-width:68rem}
.console>*+*{margin-top:2.25rem}
.console h2{margin-bottom:.75rem}
.console section>table+p,.console section>details{margin-top:.75rem}
.bar{display:flex;flex-wrap:wrap;align-items:center;justify-content:space-between;gap:.5rem 1.5rem;font-size:.9375rem;
color:var(--quiet)}
.bar form{margin:0}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(8.25rem,1fr));gap:.75rem}
.tiles>div{padding:.875rem 1rem;border-radius:.625rem;background:var(--wash)}
.tiles dt{font-size:.875rem;color:var(--quiet)}
.tiles dd{font-size:1.5rem;line-height:1.25;font-weight:620;font-variant-numeric:tabular-nums}
.tiles .small{display:block;font-weight:400}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,22rem),1fr));gap:2.25rem 2.5rem}
figure{margin:0;min-width:0}
figcaption h2{margin-bottom:.25rem}
.plot{display:block;width:100%;height:11rem;overflow:visible;margin-top:.75rem;font-size:.75rem}
.plot text{fill:var(--quiet);font-variant-numeric:tabular-nums}
.plot line{stroke:var(--line)}
.legend{display:flex;flex-wrap:wrap;gap:.25rem 1.125rem;font-size:.875rem;color:var(--quiet)}
.legend li{display:flex;align-items:center;gap:.4375rem}
.legend svg{flex:none;width:.75rem;height:.75rem}
.s-delivered{fill:var(--accent)}
.s-rejected{fill:var(--wait)}
.s-abandoned{fill:var(--alarm)}
.s-pending{fill:var(--edge)}
.s-p95{fill:var(--edge)}
.s-p50{fill:var(--accent)}
table{width:100%;border-collapse:collapse;font-size:.9375rem;font-variant-numeric:tabular-nums}
caption{text-align:start}
th,td{padding:.5625rem .75rem .5625rem 0;border-top:1px solid var(--line);text-align:start;vertical-align:baseline;
font-weight:400}
thead th{border-top:0;font-size:.875rem;color:var(--quiet)}
tbody tr:last-child>*{border-bottom:1px solid var(--line)}
.n{text-align:end}
td:last-child,th:last-child{padding-inline-end:0}
tbody th{font-weight:580}
.n+:not(.n){padding-inline-start:1.25rem}
.id{display:block;font:400 .8125rem/1.4 var(--mono);color:var(--quiet);overflow-wrap:anywhere}
.state-delivered{color:var(--accent);font-weight:580}
.state-rejected,.state-pending{color:var(--wait);font-weight:580}
.state-asked{color:var(--quiet);font-weight:580}
.state-abandoned,.state-not_told{color:var(--alarm);font-weight:580}
.notice{padding:1.125rem 0;border-top:1px solid var(--line)}
.notice h3{margin:0;font-size:1rem;font-weight:620}
.notice .head{display:flex;flex-wrap:wrap;align-items:baseline;justify-content:space-between;gap:.125rem 1rem}
.notice table{margin-top:.625rem;font-size:.875rem}
.jws{display:block;margin-top:.75rem;padding:.875rem 1rem;border-radius:.625rem;background:var(--wash);
font-size:.8125rem;overflow-wrap:anywhere}
@media (max-width:44rem){
.stack thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.stack,.stack tbody,.stack th,.stack td{display:block;text-align:start}
.stack tr{display:grid;grid-template-columns:1fr 1fr;gap:.125rem 1rem;padding:.75rem 0;border-top:1px solid var(--line)}
.stack tbody tr>*,.stack .n+:not(.n){padding:0;border:0}
.stack th,.stack .w{grid-column:1/-1}
.stack td[data-label]{display:flex;gap:.5rem}
.stack td[data-label]::before{content:attr(data-label);flex:none;min-width:5.25rem;color:var(--quiet)}
}
`;
