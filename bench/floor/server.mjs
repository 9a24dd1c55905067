// What nothing that answers HTTP in Node can be cheaper than: a reply, a reply after one SELECT by key, after one
// committed INSERT, and with one ES256 signature. No framework, no rules, no promises.
import { createServer } from 'node:http';
import { generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import pg from 'pg';

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 10, idleTimeoutMillis: 0 });
await pool.query('CREATE TABLE floor_rows (id uuid PRIMARY KEY, value text NOT NULL)');
const known = randomUUID();
await pool.query('INSERT INTO floor_rows VALUES ($1, $2)', [known, 'a row']);
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const claims = Buffer.alloc(400, 'c').toString('base64url');

const answers = {
  '/reply': async () => ({ status: 'ok' }),
  '/select': async () => {
    const text = 'SELECT value FROM floor_rows WHERE id = $1';
    return (await pool.query({ name: 'select', text, values: [known] })).rows[0];
  },
  '/insert': async () => {
    const text = 'INSERT INTO floor_rows (id, value) VALUES ($1, $2)';
    await pool.query({ name: 'insert', text, values: [randomUUID(), 'a row'] });
    return {};
  },
  '/sign': async () => {
    const key = { key: privateKey, dsaEncoding: 'ieee-p1363' };
    const signature = await new Promise((resolve, reject) => {
      sign('sha256', Buffer.from(claims), key, (error, made) => (error ? reject(error) : resolve(made)));
    });
    return { token: `${claims}.${signature.toString('base64url')}` };
  },
};

const server = createServer((request, response) => {
  request.resume().on('end', () => void answer(request.url, response));
});

async function answer(path, response) {
  const text = JSON.stringify(await answers[path]());
  response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) });
  response.end(text);
}

server.keepAliveTimeout = 60_000;
server.listen(Number(process.env.PORT), '127.0.0.1', () => process.stdout.write('ready\n'));
process.on('SIGTERM', () => process.exit(0));
