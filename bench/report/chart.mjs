import { ratioOf } from './table.mjs';

const WIDTH = 820;
const LEFT = 340;
const BAR = 300;
const ROW = 46;
const TOP = 58;

/** The chart of the README: for each path the CPU of an operation, the peer's bar being as long as all others of it. */
export function drawChart({ paths, peer, date }) {
  const height = TOP + paths.length * ROW + 30;
  const longest = Math.max(...paths.map((path) => 1 / ratioOf(path)), 1);
  const scale = BAR / longest;
  const told = paths.map((path) => `${path.title}: ${words(path)}`).join('; ');
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="title desc" font-family="system-ui, sans-serif" font-size="13">
<title id="title">CPU per operation: Exeunt and ${escape(peer)}</title>
<desc id="desc">${escape(told)}.</desc>
<style>
text { fill: #6e7781 } .strong { font-weight: 600 } .ours { fill: #2f81f7 } .theirs { fill: #9198a1 }
@media (prefers-color-scheme: dark) { text { fill: #c9d1d9 } }
</style>
<text x="12" y="22" class="strong">CPU per operation, server and database, relative to ${escape(peer)}: shorter is better</text>
<rect x="12" y="34" width="12" height="10" class="ours"/><text x="30" y="44">Exeunt</text>
<rect x="100" y="34" width="12" height="10" class="theirs"/><text x="118" y="44">${escape(peer)}, same Postgres, same durability</text>
${paths.map((path, n) => row(path, TOP + n * ROW, scale)).join('\n')}
<text x="12" y="${height - 10}" font-size="11">npm run bench, ${date}</text>
</svg>
`;
}

function row(path, y, scale) {
  const ours = Math.max(2, scale / ratioOf(path));
  return `<text x="${LEFT - 10}" y="${y + 22}" text-anchor="end" font-size="12">${escape(path.title)}</text>
<rect x="${LEFT}" y="${y + 6}" width="${ours.toFixed(1)}" height="13" class="ours"/><text x="${(LEFT + ours + 6).toFixed(1)}" y="${y + 17}" font-size="11">${path.exeunt.total.toFixed(2)} ms, ${words(path)}</text>
<rect x="${LEFT}" y="${y + 21}" width="${scale.toFixed(1)}" height="13" class="theirs"/><text x="${(LEFT + scale + 6).toFixed(1)}" y="${y + 32}" font-size="11">${path.peer.total.toFixed(2)} ms</text>`;
}

function words(path) {
  const ratio = ratioOf(path);
  if (ratio >= 1) return `${ratio.toFixed(1)} times cheaper`;
  return `${(1 / ratio).toFixed(1)} times dearer`;
}

function escape(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
