import { readFileSync, readdirSync } from 'node:fs';

/** CPU seconds that a process and all its threads have used so far, to the nanosecond. Linux only. */
export function cpuOf(pid) {
  return readdirSync(`/proc/${pid}/task`).reduce((sum, thread) => sum + threadSeconds(pid, thread), 0);
}

function threadSeconds(pid, thread) {
  try {
    return Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]) / 1e9;
  } catch (error) {
    if (error.code === 'ENOENT') return 0; // it ended in this moment
    throw error;
  }
}

/** Reads what the clients' backends of one database have used: each provider has a database of its own. */
export class BackendCpu {
  /** @param admin a connection to another database of the same server */
  constructor(admin) {
    this.admin = admin;
  }

  async of(database) {
    const { rows } = await this.admin.query({
      name: 'bench_backends',
      text: `SELECT pid FROM pg_stat_activity WHERE datname = $1 AND backend_type = 'client backend'
        AND application_name <> 'bench'`,
      values: [database],
    });
    return new Map(rows.map(({ pid }) => [pid, cpuIfAlive(pid)]));
  }

  /** Seconds used between two readings. A backend that came in between began with 0; one that ended is not counted. */
  static between(before, after) {
    return [...after].reduce((sum, [pid, seconds]) => sum + seconds - (before.get(pid) ?? 0), 0);
  }
}

function cpuIfAlive(pid) {
  try {
    return cpuOf(pid);
  } catch (error) {
    if (error.code === 'ENOENT') return 0;
    throw error;
  }
}
