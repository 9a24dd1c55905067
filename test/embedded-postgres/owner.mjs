// A process that has the embedded Postgres: starts it, says what it got, and ends with its standard input.
import { startEmbeddedPostgres } from '../../dist/src/platform/database/embedded/embedded-postgres.js';

const [dataDir, umask] = process.argv.slice(2);
if (umask !== undefined) process.umask(Number.parseInt(umask, 8));
const postgres = await startEmbeddedPostgres({ dataDir, throwaway: true });
process.stdout.write(`${JSON.stringify({ url: postgres.url, pid: postgres.pid })}\n`);
process.stdin.resume();
process.stdin.once('end', () => void postgres.stop());
