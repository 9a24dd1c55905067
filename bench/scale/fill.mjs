import { readFileSync } from 'node:fs';

const BATCH = 100_000;
const STEPS = readFileSync(new URL('fill.sql', import.meta.url), 'utf8').split(/^(?=-- step: )/m);

/** Fills the database up to `sessions`, in batches that are a transaction each, and says how far it is. */
export async function fill(client, { sessions, clients, say }) {
  const began = performance.now();
  await set(client, { now: new Date().toISOString(), clients: clients.join(','), participants: 3, per_account: 3 });
  // The rows name each other by construction, and checking that costs more than writing them.
  await client.query('SET session_replication_role = replica');
  for (let from = 1; from <= sessions; from += BATCH) {
    await set(client, { from, to: Math.min(sessions, from + BATCH - 1) });
    await client.query('BEGIN');
    for (const step of STEPS) await client.query(step);
    await client.query('COMMIT');
    const done = Math.min(sessions, from + BATCH - 1);
    const seconds = (performance.now() - began) / 1000;
    const left = (seconds / done) * (sessions - done);
    say(
      `\r${done.toLocaleString('en')} of ${sessions.toLocaleString('en')} sessions, ${seconds.toFixed(0)} s, about ${left.toFixed(0)} s to go   `,
    );
  }
  await client.query('SET session_replication_role = origin');
  await client.query('CHECKPOINT');
  const size = await client.query('SELECT pg_size_pretty(pg_database_size(current_database())) AS size');
  say(`\n${size.rows[0].size} on disk\n`);
}

async function set(client, settings) {
  for (const [name, value] of Object.entries(settings))
    await client.query('SELECT set_config($1, $2, false)', [`fill.${name}`, String(value)]);
}
