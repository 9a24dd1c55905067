import type { LogoutCommand, LogoutOutcome, TerminationCause } from '../../../src/domain/logout/command/logout.js';
import type { TokenHint } from '../../../src/domain/tokens/hint-verifier.js';
import type { ToyEndedDto } from './dto/toy-logout.dto.js';
import { BadSessionTokenError } from './toy-error.js';

/**
 * @throws BadSessionTokenError for a token that names no session, or that lay about long enough to expire
 * (docs/threat-model.md#leaked-hint)
 */
export function toLogoutCommand(hint: TokenHint | undefined, cause: TerminationCause): LogoutCommand {
  if (hint?.sid === undefined || hint.expired) throw new BadSessionTokenError('The session token is not good.');
  return {
    target: { kind: 'client-session', accountId: hint.sub, clientId: hint.clientId, sid: hint.sid },
    cause,
    initiator: { kind: 'user', accountId: hint.sub, clientId: hint.clientId },
  };
}

export function toEnded(outcome: LogoutOutcome): ToyEndedDto {
  switch (outcome.kind) {
    case 'ended':
      return { ended: outcome.sessions };
    case 'nothing_to_end':
      return { ended: 0 };
    default:
      return outcome satisfies never;
  }
}
