import type { UpstreamAuthMethod, UpstreamSigningAlgorithm } from '../../platform/oidc/algorithms.js';

/** What this provider itself is called where upstreams are named. */
export const OWN_NAME = 'exeunt';

/** Claims of our accounts, by the names that the upstream gives them. */
export type ClaimMapping = Readonly<Record<string, string>>;

/** Another OpenID Provider that people sign in with. Its secret is not part of it. */
export interface Upstream {
  readonly id: string;
  /** What the API and URLs call it. */
  readonly name: string;
  /** What people call it. */
  readonly displayName: string;
  readonly issuer: string;
  /** What we are called there. */
  readonly clientId: string;
  readonly hasSecret: boolean;
  readonly tokenEndpointAuthMethod: UpstreamAuthMethod;
  /** Where a facilitator has the browser sent back to; our own pages have a callback of their own. */
  readonly redirectUri: string | undefined;
  /** Where a facilitator has the browser sent after the logout there. */
  readonly postLogoutRedirectUri: string | undefined;
  readonly scope: readonly string[];
  readonly claimMapping: ClaimMapping;
  /** The only algorithm of its ID tokens and logout tokens (Back-Channel Logout 1.0 §2.6, step 3). */
  readonly idTokenSignedResponseAlg: UpstreamSigningAlgorithm;
  /** Whether a person who comes for the first time gets an account. */
  readonly createsAccounts: boolean;
  readonly enabled: boolean;
  /** Clients whose people may come by it; undefined: all. */
  readonly clients: readonly string[] | undefined;
  /** Names of the logout dialects that may use it. */
  readonly dialects: readonly string[];
  /** Whether its word that an e-mail address is verified is ours too. */
  readonly trustsEmail: boolean;
  /** Where that holds; undefined: for every address. */
  readonly trustedEmailDomains: readonly string[] | undefined;
  readonly trustsPhoneNumber: boolean;
  /** Whether a logout token without `exp` is refused. */
  readonly requiresLogoutTokenExp: boolean;
  /** The client that this provider is here, if it is one: it is not notified of what it ordered. */
  readonly peerClientId: string | undefined;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** Whether people may come to this client by way of the upstream. */
export function mayServe(upstream: Upstream, clientId: string): boolean {
  return upstream.enabled && (upstream.clients === undefined || upstream.clients.includes(clientId));
}

/** Whether people may come by way of it for no client in particular. */
export function servesEverybody(upstream: Upstream): boolean {
  return upstream.enabled && upstream.clients === undefined;
}

/** Whether a logout dialect may use it. */
export function isOpenTo(upstream: Upstream, dialect: string): boolean {
  return upstream.enabled && upstream.dialects.includes(dialect);
}

/** What is kept of an upstream is kept under this name: one that was given another issuer is another one. */
export function nameOfUpstream({ id, issuer }: Pick<Upstream, 'id' | 'issuer'>): string {
  return `${id} ${issuer}`;
}
