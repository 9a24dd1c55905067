import type { LogoutCommand, LogoutTarget } from './logout.js';
import type { TerminationCauses } from './termination-causes.js';

/** What a logout brings down besides the sessions themselves. */
export interface LogoutPolicy {
  /** Also the grants that work while the person is away (`offline_access`). */
  readonly revokesOfflineGrants: boolean;
}

/** Pure: the same for every dialect. "Everywhere" means everywhere, so a whole account loses its offline grants too. */
export function logoutPolicy(command: LogoutCommand<LogoutTarget>, causes: TerminationCauses): LogoutPolicy {
  const { revokesOfflineGrants } = causes.policy(command.cause);
  return { revokesOfflineGrants: revokesOfflineGrants || command.target.kind === 'account' };
}
