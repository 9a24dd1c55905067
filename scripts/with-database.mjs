import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Runs `work` with the URL of an empty throwaway database. */
export async function withDatabase(work) {
  const { startEmbeddedPostgres } = await import('../dist/src/platform/database/embedded/embedded-postgres.js');
  const dataDir = mkdtempSync(join(tmpdir(), 'exeunt-schema-'));
  chmodSync(dataDir, 0o755);
  const postgres = await startEmbeddedPostgres({ dataDir, throwaway: true });
  try {
    return await work(postgres.url);
  } finally {
    await postgres.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}
