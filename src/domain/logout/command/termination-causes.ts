import { InvalidRequestError } from '../../../platform/oidc/errors.js';
import { notOneOf } from '../../../platform/oidc/open-enums.js';

/** What is true of every logout by a cause. */
export interface CausePolicy {
  /**
   * Also grants with `offline_access` fall. An ordinary logout leaves them: Back-Channel Logout 1.0 §2.7 says that it
   * SHOULD NOT revoke them. A cause that says "these credentials can no longer be trusted" revokes them.
   */
  readonly revokesOfflineGrants: boolean;
  /** The person gives it on a page, in the browser of the session that ends, and a page is the response. */
  readonly givenInBrowser?: boolean;
  /** An application's server gives it, and the response sends the browser on to the logout of the person's provider. */
  readonly sendsBrowserToProvider?: boolean;
}

/** The causes that the domain itself gives. Those of a dialect are in its descriptor. */
const CORE_CAUSES = {
  upstream_logout: { revokesOfflineGrants: false },
  upstream_deleted: { revokesOfflineGrants: true },
  self_service: { revokesOfflineGrants: false, givenInBrowser: true },
  admin: { revokesOfflineGrants: false },
  session_idle: { revokesOfflineGrants: false },
  session_expired: { revokesOfflineGrants: false },
  max_sessions: { revokesOfflineGrants: false },
  consent_withdrawn: { revokesOfflineGrants: true },
  account_disabled: { revokesOfflineGrants: true },
  account_deleted: { revokesOfflineGrants: true },
  password_changed: { revokesOfflineGrants: true },
  account_switched: { revokesOfflineGrants: false },
  client_disabled: { revokesOfflineGrants: true },
  client_deleted: { revokesOfflineGrants: true },
  offline_access_withdrawn: { revokesOfflineGrants: true },
  refresh_token_reuse: { revokesOfflineGrants: true },
  code_reuse: { revokesOfflineGrants: true },
  logout_order: { revokesOfflineGrants: true },
} as const satisfies Readonly<Record<string, CausePolicy>>;

/**
 * The names of the causes that dialects bring. Each dialect adds its own, beside its descriptor, by declaration merging: so a
 * misspelt name does not compile, and the domain has no list of dialects.
 */
// oxlint-disable-next-line typescript/no-empty-interface, typescript/no-empty-object-type -- its members come by merging
export interface DialectCauseNames {}

/** Why sessions or grants end. */
export type TerminationCause = keyof typeof CORE_CAUSES | keyof DialectCauseNames;

/** A cause that a dialect brings. */
export interface DialectCause extends CausePolicy {
  /** As records, receipts, metrics and registrations spell it. */
  readonly name: keyof DialectCauseNames;
}

/**
 * Every cause of this application, with its policy: those of its dialects in the order of their list, then those of the
 * domain. Bound at boot.
 */
export class TerminationCauses {
  private readonly policies: ReadonlyMap<string, CausePolicy>;
  readonly names: readonly TerminationCause[];

  /** @throws Error when two causes have one name */
  constructor(dialectCauses: readonly DialectCause[]) {
    const all = [
      ...dialectCauses.map(({ name, ...policy }) => [name, policy]),
      ...Object.entries(CORE_CAUSES),
    ] as const;
    this.policies = new Map(all as ReadonlyArray<readonly [string, CausePolicy]>);
    this.names = [...this.policies.keys()] as TerminationCause[];
    if (this.names.length < all.length) throw new Error('Two causes of terminations have the same name.');
  }

  /** @throws Error for a cause that no dialect of this application declares */
  policy(cause: TerminationCause): CausePolicy {
    const policy = this.policies.get(cause);
    if (policy === undefined) throw new Error(`The cause ${cause} is declared by no dialect.`);
    return policy;
  }

  /** @param cause as it is on record; perhaps by a dialect that this application has no more */
  sendsBrowserToProvider(cause: TerminationCause): boolean {
    return this.policies.get(cause)?.sendsBrowserToProvider === true;
  }

  /**
   * A cause that a request names in its member `cause`.
   * @throws InvalidRequestError when there is none of this name
   */
  parse(text: unknown): TerminationCause {
    const cause = this.names.find((name) => name === text);
    if (cause === undefined) throw new InvalidRequestError(notOneOf('cause', this.names));
    return cause;
  }
}
