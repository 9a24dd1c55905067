// `npm run bench:scale`: what each path costs in Postgres with few sessions and with many. docs/performance.md says how.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { setTimeout as wait } from 'node:timers/promises';
import { buildIfNeeded } from '../../scripts/build-if-needed.mjs';
import { AFTER_MS, SCALE_PATHS } from './paths.mjs';
import { perOperation } from './statistics.mjs';
import { markdown, print } from './report.mjs';

const { values } = parseArgs({
  options: {
    sizes: { type: 'string', default: '10000,1000000' },
    only: { type: 'string' },
    build: { type: 'string', default: fileURLToPath(new URL('../..', import.meta.url)) },
    json: { type: 'string' },
    markdown: { type: 'string' },
    from: { type: 'string' },
  },
});
const BYTES_PER_SESSION = 2400;
const WARM = 8;
/** It runs once a minute, and falls into whatever is measured then. */
const RETENTION = /_remove_|^retention_/;
const say = (text) => process.stderr.write(text);

const result =
  values.from === undefined
    ? await measureSizes(values.sizes.split(',').map(Number))
    : JSON.parse(readFileSync(values.from, 'utf8'));
print(result);
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(result, null, 1)}\n`);
if (values.markdown !== undefined) writeFileSync(values.markdown, markdown(result));

async function measureSizes(sizes) {
  buildIfNeeded();
  const { Scene } = await import('./scene.mjs');
  const measured = [];
  for (const sessions of sizes) {
    const gigabytes = (sessions * BYTES_PER_SESSION) / 1e9;
    say(
      `${sessions.toLocaleString('en')} sessions: some ${gigabytes.toFixed(1)} GB of disk, and as much again for the log\n`,
    );
    const scene = await Scene.start({ sessions, build: values.build, say });
    try {
      measured.push({ sessions, paths: await measurePaths(scene) });
    } finally {
      await scene.stop();
    }
  }
  return { date: new Date().toISOString().slice(0, 10), sizes: measured };
}

async function measurePaths(scene) {
  const chosen = SCALE_PATHS.filter(
    ({ name }) => values.only === undefined || values.only.split(',').some((part) => name.includes(part)),
  );
  await warmUp(scene, chosen);
  const background = await namesWhenIdle(scene);
  const results = [];
  for (const path of chosen) {
    say(`  ${path.name} `);
    results.push(await measure(scene, path, background));
    say(`${results.at(-1).perOperation.pages.toFixed(0)} pages\n`);
  }
  return results;
}

/** Postgres makes a plan that it keeps at the sixth call. */
async function warmUp(scene, paths) {
  for (const path of paths.filter(({ times }) => times >= 20))
    for (let n = 0; n < WARM; n += 1) await path.run(scene, await path.prepare?.(scene, n), n);
}

/** What timers send, and is no path's. */
async function namesWhenIdle(scene) {
  await scene.statistics.reset();
  await wait(5000);
  return new Set((await scene.statistics.read()).map(({ name }) => name));
}

async function measure(scene, { name, times, prepare, run, after, whole, retention }, background) {
  const prepared = [];
  for (let n = 0; n < times; n += 1) prepared.push(await prepare?.(scene, n));
  if (after) await wait(AFTER_MS);
  await scene.statistics.reset();
  const began = performance.now();
  const answers = [];
  for (let n = 0; n < times; n += 1) answers.push(await run(scene, prepared[n], n));
  const elapsed = (performance.now() - began) / times;
  if (after) await wait(AFTER_MS);
  const statements = (await scene.statistics.read()).filter(
    (statement) =>
      (after || whole || !background.has(statement.name)) && (retention || !RETENTION.test(statement.name)),
  );
  const { status, outcome, operations = times } = answers.at(-1) ?? {};
  return {
    name,
    elapsed,
    ...(status >= 300 ? { status } : {}),
    ...(outcome === undefined ? {} : { outcome }),
    perOperation: perOperation(statements, Math.max(1, operations)),
    statements: statements
      .toSorted((a, b) => b.pages - a.pages)
      .slice(0, whole ? 40 : 8)
      .map((statement) => ({ ...statement })),
  };
}
