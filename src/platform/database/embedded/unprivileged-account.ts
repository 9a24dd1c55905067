import { readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** The account that Postgres runs as. It refuses to run as root, and an account must stand in /etc/passwd. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

const PREFERRED = ['postgres', 'nobody', 'daemon'];

/** Undefined: we are no root, and Postgres runs as we do. */
export function postgresAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const accounts = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .filter((fields) => fields.length >= 4 && fields[2] !== '0');
  for (const name of PREFERRED) {
    const fields = accounts.find(([login]) => login === name);
    if (fields !== undefined) return { uid: Number(fields[2]), gid: Number(fields[3]) };
  }
  throw new Error(
    'Postgres does not run as root, and /etc/passwd names no account that it could run as. Start as an ordinary user.',
  );
}

/** Whether the account can get to `path`: every directory above it must let it through, as /root does not. */
export function canReach(path: string, account: Account | undefined): boolean {
  if (account === undefined) return true;
  for (let directory = dirname(path); ; directory = dirname(directory)) {
    try {
      const { mode, uid, gid } = statSync(directory);
      const bit = uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001;
      if ((mode & bit) === 0) return false;
    } catch (error) {
      // Not there yet: it will be made inside of what is.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    if (directory === dirname(directory)) return true;
  }
}
