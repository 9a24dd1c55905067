// `npm run bench:observe`: what logs, metrics and traces cost: CPU per request of nodes of one service that differ in nothing
// but how they are watched, in turns, in one run. bench/README.md says how.
import { createServer } from 'node:http';
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { buildIfNeeded } from '../scripts/build-if-needed.mjs';
import { cpuOf } from './lib/cpu.mjs';
import { lowerQuartile, median } from './lib/figures.mjs';
import { PATHS } from './paths.mjs';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '15' },
    requests: { type: 'string', default: '1000' },
    /** A directory with the `dist` of a version to compare with. */
    before: { type: 'string' },
    /** What a row's name has in it; those without anything and the version before are there besides. */
    only: { type: 'string' },
    markdown: { type: 'string' },
  },
});
const ROUNDS = Number(values.rounds);
const REQUESTS = Number(values.requests);
const MEASURED = ['client_credentials', 'introspect_person', 'refresh'];
const say = (text) => process.stderr.write(text);

const collector = createServer((request, response) => {
  request.resume().on('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'));
});
await new Promise((resolve) => {
  collector.listen(0, '127.0.0.1', resolve);
});

const traced = (ratio) => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collector.address().port}`,
  OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
  OTEL_TRACES_SAMPLER_ARG: String(ratio),
});
const AGAIN = 'nothing is asked for, again';
const WATCHED = [
  { name: 'nothing is asked for', env: {} },
  ...(values.before === undefined ? [] : [{ name: 'the version before', env: {}, build: values.before }]),
  { name: AGAIN, env: {} },
  { name: 'LOG_REQUESTS=on', env: { LOG_REQUESTS: 'on' } },
  { name: 'traces, 1 in 100', env: traced(0.01) },
  { name: 'traces, all', env: traced(1) },
].filter(
  ({ name, build }) => values.only === undefined || name.startsWith('nothing') || build || name.includes(values.only),
);

buildIfNeeded();
const { startPostgres } = await import('./lib/postgres.mjs');
const { exeuntNode, exeuntTarget, startReceivers } = await import('./lib/targets.mjs');
const { stoppingAll } = await import('./lib/running.mjs');
await stoppingAll(async (keep) => {
  keep(collector, () => {
    collector.closeAllConnections();
    collector.close();
  });
  say('Starting Postgres and the nodes …\n');
  const postgres = await startPostgres();
  keep(postgres, () => postgres.stop());
  const receivers = await startReceivers();
  keep(receivers, () => receivers.stop());
  const first = await exeuntTarget({ postgres, receivers: receivers.base });
  keep(first, () => first.close());
  const nodes = [];
  for (const { name, env, build } of WATCHED) {
    const node = await exeuntNode(first, { env, build, name });
    nodes.push(keep(node, () => node.close()));
  }
  report(await measure(nodes, postgres));
});

/** Microseconds of CPU a request, of each slice, by path and node. */
async function measure(nodes, postgres) {
  const slices = new Map();
  for (let round = 0; round <= ROUNDS; round += 1) {
    say(round === 0 ? 'warming up ' : `round ${round} of ${ROUNDS} `);
    for (const path of PATHS.filter(({ name }) => MEASURED.includes(name))) {
      // Each round begins with another node, so that none is always the one after the same other.
      for (const node of [...nodes.slice(round % nodes.length), ...nodes.slice(0, round % nodes.length)]) {
        const count = Math.max(10, Math.round((round === 0 ? 3 : 1) * REQUESTS * path.share));
        const prepared = await path.prepare?.(node, count);
        const before = cpuOf(node.pid);
        await path.run(node, count, prepared);
        const key = `${path.name}/${node.name}`;
        const spent = ((cpuOf(node.pid) - before) / count) * 1e6;
        if (round > 0) slices.set(key, [...(slices.get(key) ?? []), spent]);
      }
      say('.');
    }
    say('\n');
    if (round === 0) await postgres.analyze(nodes[0].database);
  }
  return slices;
}

/** The median, the quarter below it, and how much more than nothing in the same round, as a median of the rounds. */
function report(slices) {
  const rows = [
    `| CPU of the process, µs a request: median (lower quartile), more than nothing by | ${MEASURED.join(' | ')} |`,
    `|---|${MEASURED.map(() => '---|').join('')}`,
    ...WATCHED.map(({ name }) => `| ${name} | ${MEASURED.map((path) => cell(slices, path, name)).join(' | ')} |`),
  ];
  const text = `${rows.join('\n')}\n`;
  process.stdout.write(text);
  if (values.markdown !== undefined) writeFileSync(values.markdown, text);
}

function cell(slices, path, name) {
  const own = slices.get(`${path}/${name}`);
  // Two nodes, since one alone may be dearer by chance for as long as it lives.
  const [first, again] = [WATCHED[0].name, AGAIN].map((node) => slices.get(`${path}/${node}`));
  const nothing = first.map((spent, round) => (spent + again[round]) / 2);
  const figures = `${median(own).toFixed(0)} (${lowerQuartile(own).toFixed(0)})`;
  if (name === WATCHED[0].name || name === AGAIN) return figures;
  const more = median(own.map((spent, round) => spent / nothing[round] - 1)) * 100;
  return `${figures}, ${more >= 0 ? '+' : '−'}${Math.abs(more).toFixed(1)} %`;
}
