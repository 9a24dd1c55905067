/** Why sessions or grants ended. A new cause is added here, and the policy's table then asks what it does. */
export const TERMINATION_CAUSES = [
  'end_session',
  'self_service',
  'admin',
  'account_disabled',
  'account_deleted',
  'password_changed',
  'account_switched',
  'client_deleted',
  'refresh_token_reuse',
  'code_reuse',
] as const;
export type TerminationCause = (typeof TERMINATION_CAUSES)[number];

/** Who asked for it: the person, an application, an operator, or the provider itself on a rule of its own. */
export type LogoutInitiator =
  | { readonly kind: 'user'; readonly accountId: string; readonly clientId?: string }
  | { readonly kind: 'client'; readonly clientId: string }
  | { readonly kind: 'operator'; readonly clientId: string }
  | { readonly kind: 'system' };

/** What ends. A union, so that "end everything because a field was empty" cannot be written. */
export type LogoutTarget =
  /** The cookie's session; with `sessionId` only if it is that one, such as the one a dialog was shown for. */
  | { readonly kind: 'cookie'; readonly cookieHash: Buffer; readonly sessionId?: string }
  | { readonly kind: 'session'; readonly sessionId: string }
  /** One of a person's own sessions: nothing happens when it is somebody else's (abuse case A31). */
  | { readonly kind: 'account-session'; readonly accountId: string; readonly sessionId: string }
  | { readonly kind: 'account'; readonly accountId: string; readonly exceptSessionId?: string }
  | { readonly kind: 'client'; readonly clientId: string }
  | { readonly kind: 'grant'; readonly grantId: string };

export interface LogoutCommand {
  readonly target: LogoutTarget;
  readonly cause: TerminationCause;
  readonly initiator: LogoutInitiator;
}

/** What came of it. "Nothing to end" is success in every specification, not an error. */
export type LogoutOutcome =
  | {
      readonly kind: 'ended';
      readonly terminationId: string;
      readonly sessions: number;
      readonly grantsRevoked: number;
      /** How many applications are owed a notice. */
      readonly deliveries: number;
    }
  | { readonly kind: 'nothing_to_end' };
