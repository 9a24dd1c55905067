// `npm run bench:soak`: two nodes on one Postgres at a modest rate for an hour, and whether anything grows: heap, memory,
// descriptors, connections. bench/README.md says how.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { setTimeout as wait } from 'node:timers/promises';
import { buildIfNeeded } from '../scripts/build-if-needed.mjs';
import { expectStatus } from './lib/http.mjs';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    lives: { type: 'string', default: '1.5' },
    json: { type: 'string' },
    markdown: { type: 'string' },
  },
});
const MINUTES = Number(values.minutes);
/** Lives begun a second: each is some 25 requests. */
const LIVES = Number(values.lives);
const SAMPLE_MS = 5000;
/** The table has so many rows; the first is the warm-up. */
const PARTS = 6;
const REFRESHES = 4;
const say = (text) => process.stderr.write(text);

const result = await soak();
const table = markdown(result);
process.stdout.write(`\n${table}`);
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(result, null, 1)}\n`);
if (values.markdown !== undefined) writeFileSync(values.markdown, table);

async function soak() {
  buildIfNeeded();
  const { startPostgres } = await import('./lib/postgres.mjs');
  const { exeuntNode, exeuntTarget, startReceivers } = await import('./lib/targets.mjs');
  const { stoppingAll } = await import('./lib/running.mjs');
  return stoppingAll(async (keep) => {
    say('Starting Postgres, two nodes and ten applications …\n');
    const postgres = await startPostgres();
    keep(postgres, () => postgres.stop());
    const receivers = await startReceivers();
    keep(receivers, () => receivers.stop());
    const first = await exeuntTarget({ postgres, receivers: receivers.base });
    keep(first, () => first.close());
    const second = await exeuntNode(first);
    keep(second, () => second.close());
    return watch([first, second], postgres);
  });
}

async function watch(nodes, postgres) {
  const counts = { lives: 0, requests: 0, failures: 0 };
  const samples = [];
  const began = performance.now();
  const end = began + MINUTES * 60_000;
  const lives = begin(nodes, end, counts);
  for (let at = began; at < end; at += SAMPLE_MS) {
    await wait(Math.max(0, at + SAMPLE_MS - performance.now()));
    samples.push(...(await sample(nodes, postgres, (performance.now() - began) / 60_000)));
    const minutes = Math.round((performance.now() - began) / 60_000);
    say(
      `\r${minutes} of ${MINUTES} minutes, ${counts.lives} lives, ${counts.requests} requests, ${counts.failures} failed `,
    );
  }
  await lives;
  return { date: new Date().toISOString().slice(0, 10), node: process.version, minutes: MINUTES, counts, samples };
}

/** Begins lives at the rate, whatever becomes of those before. */
async function begin(nodes, end, counts) {
  const underWay = new Set();
  const began = performance.now();
  for (let i = 0; performance.now() < end; i += 1) {
    const one = live(nodes, i, counts).then(
      () => (counts.lives += 1),
      (error) => {
        counts.failures += 1;
        if (counts.failures < 10) say(`\n${error.stack}\n`);
      },
    );
    underWay.add(one);
    void one.finally(() => underWay.delete(one));
    await wait(Math.max(0, began + ((i + 1) * 1000) / LIVES - performance.now()));
  }
  await Promise.all(underWay);
}

/** A person signs in at one node, goes on at the other, is mistaken now and then, and signs out. */
async function live(nodes, i, counts) {
  const [here, there] = i % 2 === 0 ? nodes : [nodes[1], nodes[0]];
  const [connection, other] = [here.lanes[i % here.lanes.length], there.lanes[i % there.lanes.length]];
  const session = await here.signIn(connection, i);
  await here.join(session, connection, 1);
  await there.join(session, other, 2);
  counts.requests += 9;
  for (let n = 0; n < REFRESHES; n += 1) {
    const [target, lane] = n % 2 === 0 ? [there, other] : [here, connection];
    session.tokens = { ...session.tokens, ...(await target.refresh(lane, session.tokens)) };
    await target.userinfo(lane, session.tokens.access_token);
    await target.introspect(lane, target.applications[0], session.tokens.access_token);
    counts.requests += 3;
  }
  await mistakes(there, other, i);
  await there.signOut(other, session);
  counts.requests += 5;
}

async function mistakes(target, lane, i) {
  const wrong = { id: target.applications[0].id, secret: 'not the secret of anybody' };
  if (i % 20 === 0)
    expectStatus(await lane.form(target.paths.introspect, { token: 'x' }, target.basic(wrong)), 401, 'a wrong secret');
  expectStatus(await lane.get('/nothing/is/here'), 404, 'an unknown path');
  expectStatus(await lane.get(target.paths.userinfo, { authorization: 'Bearer not-a-token' }), 401, 'a wrong token');
}

async function sample(nodes, postgres, minute) {
  const { rows } = await postgres.admin.query(
    `SELECT count(*)::int AS connections, count(*) FILTER (WHERE state LIKE 'idle in transaction%')::int AS idle
       FROM pg_stat_activity WHERE datname = $1`,
    [nodes[0].database],
  );
  const taken = [];
  for (const [node, target] of nodes.entries()) {
    const { text } = await target.watcher.get('/metrics');
    const value = (name) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? NaN);
    taken.push({
      node,
      minute,
      heap: value('nodejs_heap_size_used_bytes'),
      memory: value('process_resident_memory_bytes'),
      descriptors: value('process_open_fds'),
      ...rows[0],
    });
  }
  return taken;
}

function markdown({ date, node, minutes, counts, samples }) {
  const lines = [
    `${date}, Node ${node}, ${minutes} minutes: ${counts.lives} lives, ${counts.requests} requests, ${counts.failures} failed.`,
    '',
    '| minutes | lowest heap, MB | lowest memory (RSS), MB | most descriptors | most connections | idle in a transaction |',
    '|---|---|---|---|---|---|',
  ];
  for (let part = 0; part < PARTS; part += 1) {
    const [from, to] = [(minutes / PARTS) * part, (minutes / PARTS) * (part + 1)];
    const of = (n) => samples.filter((taken) => taken.node === n && taken.minute > from && taken.minute <= to);
    const [first, second] = [of(0), of(1)];
    if (first.length === 0) continue;
    const both = (measure) => `${measure(first)}, ${measure(second)}`;
    const lowest = (name) => (taken) => (Math.min(...taken.map((row) => row[name])) / 1e6).toFixed(1);
    const most = (name) => (taken) => Math.max(...taken.map((row) => row[name]));
    lines.push(
      `| ${from.toFixed(0)} to ${to.toFixed(0)} | ${both(lowest('heap'))} | ${both(lowest('memory'))} | ${both(most('descriptors'))} | ${most('connections')(first)} | ${most('idle')(first)} |`,
    );
  }
  return `${lines.join('\n')}\n`;
}
