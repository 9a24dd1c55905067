/** What an account may be allowed besides signing in. `operator`: to look at the console. */
export const ACCOUNT_ROLES = ['operator'] as const;
export type AccountRole = (typeof ACCOUNT_ROLES)[number];

/** A person who can sign in, without the password hash. */
export interface Account {
  readonly id: string;
  readonly login: string;
  readonly claims: Readonly<Record<string, unknown>>;
  readonly roles: readonly string[];
  readonly hasPassword: boolean;
  readonly disabledAt: Date | null;
  readonly notBefore: Date | null;
  readonly passwordChangedAt: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface NewAccount {
  readonly login: string;
  readonly password?: string;
  readonly claims: Readonly<Record<string, unknown>>;
  readonly roles?: readonly AccountRole[];
}

/**
 * What came of a sign-in attempt. Unknown, disabled and wrong are one outcome, so that an attacker does not learn which
 * accounts exist.
 */
export type SignInOutcome =
  | { readonly kind: 'signed_in'; readonly account: Account }
  | { readonly kind: 'wrong_credentials' }
  | { readonly kind: 'too_many_attempts'; readonly retryAfterSeconds: number }
  | { readonly kind: 'busy' };

/** The name to show for a person. */
export function displayName(account: { readonly claims: Readonly<Record<string, unknown>> }): string | undefined {
  const { name, given_name: given, preferred_username: preferred } = account.claims;
  for (const candidate of [name, given, preferred])
    if (typeof candidate === 'string' && candidate !== '') return candidate;
  return undefined;
}

/** A login as it is stored, so that one person is one however it is typed. */
export function normalizeLogin(login: string): string {
  return login.normalize('NFC').trim().toLowerCase();
}
