// `npm run bench`: CPU per operation of the service and its database, beside oidc-provider on the same Postgres with the
// same durability, in one run. bench/README.md says how.
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { buildIfNeeded } from '../scripts/build-if-needed.mjs';
import { BackendCpu, cpuOf } from './lib/cpu.mjs';
import { summary } from './lib/figures.mjs';
import { Receivers } from './lib/receivers.mjs';
import { drawChart } from './report/chart.mjs';
import { markdown, printReport } from './report/table.mjs';
import { FLOORS, PATHS } from './paths.mjs';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    requests: { type: 'string', default: '1000' },
    only: { type: 'string' },
    build: { type: 'string' },
    json: { type: 'string' },
    markdown: { type: 'string' },
    chart: { type: 'boolean', default: false },
    from: { type: 'string' },
  },
});
const ROUNDS = Number(values.rounds);
const REQUESTS = Number(values.requests);
/** The first round is longer, so that what is compiled while it runs is compiled. */
const WARM_UP = 3;
const say = (text) => process.stderr.write(text);

if (values.from !== undefined) {
  finish(JSON.parse(readFileSync(values.from, 'utf8')));
} else {
  finish(await compare());
}

function finish(result) {
  printReport(result);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(result, null, 1)}\n`);
  if (values.markdown !== undefined) writeFileSync(values.markdown, markdown(result));
  if (values.chart) writeFileSync(new URL('../docs/bench.svg', import.meta.url), drawChart(result));
}

function chosenPaths() {
  if (values.only === undefined) return PATHS;
  const wanted = values.only.split(',');
  const unknown = wanted.filter((name) => !PATHS.some((path) => path.name === name));
  if (unknown.length > 0)
    throw new Error(`no such path: ${unknown.join()}; there are ${PATHS.map(({ name }) => name).join()}`);
  return PATHS.filter(({ name }) => wanted.includes(name));
}

async function compare() {
  const paths = chosenPaths();
  buildIfNeeded();
  const { startPostgres } = await import('./lib/postgres.mjs');
  const { exeuntTarget, floorTarget, peerTarget, startReceivers } = await import('./lib/targets.mjs');
  const { stoppingAll } = await import('./lib/running.mjs');
  return stoppingAll(async (keep) => {
    say('Starting Postgres and the providers …\n');
    const postgres = await startPostgres();
    keep(postgres, () => postgres.stop());
    const process_ = await startReceivers();
    keep(process_, () => process_.stop());
    const receivers = new Receivers(process_.base);
    keep(receivers, () => receivers.close());
    const targets = [];
    for (const begin of [exeuntTarget, peerTarget, floorTarget]) {
      const target = await begin({ postgres, receivers: process_.base, build: values.build });
      targets.push(keep(target, () => target.close()));
    }
    return { ...about(postgres), paths: await measureAll(paths, targets, postgres, receivers) };
  });
}

function about(postgres) {
  const { version } = JSON.parse(
    readFileSync(new URL('../node_modules/oidc-provider/package.json', import.meta.url), 'utf8'),
  );
  return {
    date: new Date().toISOString().slice(0, 10),
    node: process.version,
    postgres: postgres.version,
    peer: `oidc-provider ${version}`,
    processors: `${cpus().length} x ${cpus()[0]?.model.trim()}`,
    load: loadavg()[0],
    rounds: ROUNDS,
    requests: REQUESTS,
  };
}

/** Interleaved: each round measures every path at each provider, the second first in every other round. */
async function measureAll(paths, [exeunt, peer, floor], postgres, receivers) {
  const backends = new BackendCpu(postgres.admin);
  const slices = new Map();
  const note = (key, slice) => slices.set(key, [...(slices.get(key) ?? []), slice]);
  for (let round = 0; round <= ROUNDS; round += 1) {
    say(round === 0 ? 'warming up ' : `round ${round} of ${ROUNDS} `);
    for (const path of paths) {
      for (const target of round % 2 === 0 ? [exeunt, peer] : [peer, exeunt]) {
        const slice = await measure(target, path, backends, receivers, round === 0 ? REQUESTS * WARM_UP : REQUESTS);
        if (round > 0) note(`${path.name}/${target.name}`, slice);
      }
      say('.');
    }
    for (const path of FLOORS) {
      const slice = await measure(floor, path, backends, receivers, REQUESTS);
      if (round > 0) note(path.name, slice);
    }
    say('\n');
    // As autovacuum would have by then: a plan for empty tables that is kept by chance is no provider's doing.
    if (round === 0) for (const target of [exeunt, peer]) await postgres.analyze(target.database);
  }
  return paths.map(({ name, title, goal, floor: bare }) => ({
    name,
    title,
    goal,
    exeunt: summary(slices.get(`${name}/exeunt`)),
    peer: summary(slices.get(`${name}/peer`)),
    ...(bare === undefined ? {} : { floor: { path: bare, ...summary(slices.get(bare)) } }),
  }));
}

/** Milliseconds of CPU per operation in one slice. */
async function measure(target, path, backends, receivers, requests) {
  const count = Math.max(10, Math.round(requests * path.share));
  const prepared = await path.prepare?.(target, count, receivers);
  const before = { server: cpuOf(target.pid), database: await backends.of(target.database) };
  await path.run(target, count, prepared, receivers);
  const database = BackendCpu.between(before.database, await backends.of(target.database));
  const server = cpuOf(target.pid) - before.server;
  const operations = path.operations?.(count, prepared) ?? count;
  return { server: (server / operations) * 1e3, database: (database / operations) * 1e3 };
}
