import { displayName } from '../../domain/accounts/account.js';
import type { SignedInSession } from '../../domain/sessions/session.js';

/** A session's person, as pages name them. */
export function accountView(session: SignedInSession): { readonly login: string; readonly name?: string | undefined } {
  const name = displayName(session);
  return { login: session.login, name };
}
