import { readFileSync } from 'node:fs';

const BATCH = 50_000;
const WRITERS = 3;
const STEPS = readFileSync(new URL('fill.sql', import.meta.url), 'utf8').split(/^(?=-- step: )/m);

/**
 * Fills the database up to `sessions`, in batches that are a transaction each, and says how far it is.
 * @param connect opens one more connection to it
 */
export async function fill(connect, { sessions, clients, say }) {
  const began = performance.now();
  const settings = {
    now: new Date().toISOString(),
    clients: clients.join(','),
    participants: 3,
    per_account: 3,
    receipts_before: 0,
  };
  let next = 1;
  let done = 0;
  const write = async () => {
    const client = await connect();
    await set(client, settings);
    // The rows name each other by construction, and checking that costs more than writing them.
    await client.query('SET session_replication_role = replica');
    while (next <= sessions) {
      const from = next;
      next += BATCH;
      const to = Math.min(sessions, from + BATCH - 1);
      await batch(client, from, to);
      done += to - from + 1;
      say(progress(done, sessions, (performance.now() - began) / 1000));
    }
    await client.end();
  };
  await Promise.all(Array.from({ length: WRITERS }, write));
  const client = await connect();
  await client.query('CHECKPOINT');
  const { rows } = await client.query('SELECT pg_size_pretty(pg_database_size(current_database())) AS size');
  await client.end();
  say(`\n${rows[0].size} on disk\n`);
}

async function batch(client, from, to) {
  await set(client, { from, to });
  await client.query('BEGIN');
  for (const step of STEPS) await client.query(step);
  await client.query('COMMIT');
}

function progress(done, sessions, seconds) {
  const left = (seconds / done) * (sessions - done);
  return `\r${done.toLocaleString('en')} of ${sessions.toLocaleString('en')} sessions, ${seconds.toFixed(0)} s, about ${left.toFixed(0)} s to go   `;
}

async function set(client, settings) {
  for (const [name, value] of Object.entries(settings))
    await client.query('SELECT set_config($1, $2, false)', [`fill.${name}`, String(value)]);
}
