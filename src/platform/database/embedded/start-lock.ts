import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { processIdentity, waitUntil } from './processes.js';

const WAIT_MS = 120_000;

/** One start at a time in one place. A lock whose holder is gone is taken over. */
export async function withStartLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  const mine = JSON.stringify({ pid: process.pid, identity: processIdentity(process.pid) });
  if (!(await waitUntil(() => take(path, mine), WAIT_MS)))
    throw new Error(`Another start holds ${path}. Remove it if none is running.`);
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

function take(path: string, mine: string): boolean {
  try {
    writeFileSync(path, mine, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    if (!isHeld(path)) rmSync(path, { force: true });
    return false;
  }
}

function isHeld(path: string): boolean {
  const holder = readProcess(path);
  return holder !== undefined && processIdentity(holder.pid) === holder.identity;
}

/** A process written down in a file, or undefined when there is none or it cannot be read. */
export function readProcess(path: string): { readonly pid: number; readonly identity: string } | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as { pid: number; identity: string };
  } catch {
    return undefined;
  }
}
