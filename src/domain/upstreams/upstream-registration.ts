import { STANDARD_CLAIMS } from '../../platform/oidc/claims.js';
import { InvalidRequestError } from '../../platform/oidc/errors.js';
import { notOneOf } from '../../platform/oidc/open-enums.js';
import { redirectUriProblem } from '../../platform/oidc/redirect-uri.js';
import type { UpstreamAuthMethod, UpstreamSigningAlgorithm } from '../../platform/oidc/algorithms.js';
import { domainOf } from './upstream-claims.js';
import { OWN_NAME, type ClaimMapping } from './upstream.js';

/** What an operator says about an upstream. */
export interface UpstreamInput {
  readonly name?: string | undefined;
  readonly display_name?: string | undefined;
  readonly issuer?: string | undefined;
  readonly client_id?: string | undefined;
  readonly client_secret?: string | undefined;
  readonly token_endpoint_auth_method?: UpstreamAuthMethod | undefined;
  readonly redirect_uri?: string | null | undefined;
  readonly post_logout_redirect_uri?: string | null | undefined;
  readonly scope?: string | undefined;
  readonly claim_mapping?: ClaimMapping | undefined;
  readonly id_token_signed_response_alg?: UpstreamSigningAlgorithm | undefined;
  readonly creates_accounts?: boolean | undefined;
  readonly enabled?: boolean | undefined;
  readonly clients?: readonly string[] | null | undefined;
  readonly dialects?: readonly string[] | undefined;
  readonly requires_logout_token_exp?: boolean | undefined;
  readonly peer_client_id?: string | null | undefined;
  readonly trust_email?: boolean | undefined;
  readonly trusted_email_domains?: readonly string[] | null | undefined;
  readonly trust_phone_number?: boolean | undefined;
}

/** What is stored beside the columns of `upstreams`. Defaults are filled in; what came later may be missing in old rows. */
export interface UpstreamConfiguration {
  readonly displayName: string;
  readonly tokenEndpointAuthMethod: UpstreamAuthMethod;
  readonly redirectUri: string | null;
  readonly postLogoutRedirectUri: string | null;
  readonly scope: readonly string[];
  readonly claimMapping: ClaimMapping;
  readonly idTokenSignedResponseAlg: UpstreamSigningAlgorithm;
  readonly createsAccounts: boolean;
  readonly enabled: boolean;
  readonly clients: readonly string[] | null;
  readonly dialects: readonly string[];
  readonly requiresLogoutTokenExp?: boolean;
  readonly peerClientId?: string | null;
  readonly trustsEmail?: boolean;
  readonly trustedEmailDomains?: readonly string[] | null;
  readonly trustsPhoneNumber?: boolean;
}

export interface CheckedUpstream {
  readonly name: string;
  readonly issuer: string;
  readonly clientId: string;
  readonly configuration: UpstreamConfiguration;
}

export const UPSTREAM_NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/;
/** Beside the standard claims: which claim a new account's login is made from. */
export const LOGIN_CLAIM = 'login';

/**
 * The registration that `input` amounts to, with defaults filled in.
 * @param before what is registered now; what `input` leaves out stays so
 * @throws InvalidRequestError with the member's name
 */
export function checkedUpstream(
  input: UpstreamInput,
  before: CheckedUpstream | undefined,
  rules: { readonly allowInsecure: boolean; readonly dialects: readonly string[]; readonly hasSecret: boolean },
): CheckedUpstream {
  checkDialects(input.dialects ?? [], rules.dialects);
  const configuration: UpstreamConfiguration = {
    displayName: input.display_name ?? before?.configuration.displayName ?? input.name ?? '',
    tokenEndpointAuthMethod:
      input.token_endpoint_auth_method ?? before?.configuration.tokenEndpointAuthMethod ?? 'client_secret_basic',
    redirectUri: input.redirect_uri === undefined ? (before?.configuration.redirectUri ?? null) : input.redirect_uri,
    postLogoutRedirectUri:
      input.post_logout_redirect_uri === undefined
        ? (before?.configuration.postLogoutRedirectUri ?? null)
        : input.post_logout_redirect_uri,
    scope: scopeOf(input.scope, before),
    claimMapping: input.claim_mapping ?? before?.configuration.claimMapping ?? {},
    idTokenSignedResponseAlg:
      input.id_token_signed_response_alg ?? before?.configuration.idTokenSignedResponseAlg ?? 'RS256',
    createsAccounts: input.creates_accounts ?? before?.configuration.createsAccounts ?? true,
    enabled: input.enabled ?? before?.configuration.enabled ?? true,
    clients: input.clients === undefined ? (before?.configuration.clients ?? null) : input.clients,
    dialects: input.dialects ?? before?.configuration.dialects ?? rules.dialects,
    trustsEmail: input.trust_email ?? before?.configuration.trustsEmail ?? false,
    trustedEmailDomains: domainsOf(input.trusted_email_domains, before),
    trustsPhoneNumber: input.trust_phone_number ?? before?.configuration.trustsPhoneNumber ?? false,
    requiresLogoutTokenExp: input.requires_logout_token_exp ?? before?.configuration.requiresLogoutTokenExp ?? false,
    peerClientId:
      input.peer_client_id === undefined ? (before?.configuration.peerClientId ?? null) : input.peer_client_id,
  };
  const checked = {
    name: required('name', input.name ?? before?.name),
    issuer: required('issuer', input.issuer ?? before?.issuer),
    clientId: required('client_id', input.client_id ?? before?.clientId),
    configuration,
  };
  checkName(checked.name);
  checkIssuer(checked.issuer, rules.allowInsecure);
  checkUri('redirect_uri', configuration.redirectUri, rules.allowInsecure);
  checkUri('post_logout_redirect_uri', configuration.postLogoutRedirectUri, rules.allowInsecure);
  checkClaimMapping(configuration.claimMapping);
  if (configuration.tokenEndpointAuthMethod.startsWith('client_secret_') && !rules.hasSecret)
    throw new InvalidRequestError(`client_secret is required for ${configuration.tokenEndpointAuthMethod}.`);
  return checked;
}

function required(name: string, value: string | undefined): string {
  if (value === undefined || value === '') throw new InvalidRequestError(`${name} is required.`);
  return value;
}

function checkDialects(dialects: readonly string[], known: readonly string[]): void {
  if (!dialects.every((name) => known.includes(name)))
    throw new InvalidRequestError(notOneOf('dialects', known, { each: true }));
}

function checkName(name: string): void {
  if (!UPSTREAM_NAME.test(name))
    throw new InvalidRequestError(
      'name must be 1 to 63 characters of a-z 0-9 . _ - and begin with a letter or a digit.',
    );
  if (name === OWN_NAME) throw new InvalidRequestError(`name must not be ${OWN_NAME}: that is this provider itself.`);
}

/** OpenID Connect Discovery 1.0 §3: a URL without query and fragment. http is for loopback and for development. */
function checkIssuer(issuer: string, allowInsecure: boolean): void {
  const problem = redirectUriProblem(issuer, { allowInsecure, allowPrivateUseScheme: false });
  if (problem !== undefined) throw new InvalidRequestError(`issuer ${problem}.`);
  if (issuer.includes('?')) throw new InvalidRequestError('issuer must not have a query.');
}

function checkUri(name: string, uri: string | null, allowInsecure: boolean): void {
  if (uri === null) return;
  const problem = redirectUriProblem(uri, { allowInsecure, allowPrivateUseScheme: false });
  if (problem !== undefined) throw new InvalidRequestError(`${name} ${problem}.`);
}

function scopeOf(scope: string | undefined, before: CheckedUpstream | undefined): readonly string[] {
  if (scope === undefined) return before?.configuration.scope ?? ['openid', 'profile', 'email'];
  // `openid` is what makes it OpenID Connect (Core §3.1.2.1), so it is never left out.
  return [...new Set(['openid', ...scope.split(' ').filter((value) => value !== '')])];
}

function domainsOf(
  domains: readonly string[] | null | undefined,
  before: CheckedUpstream | undefined,
): readonly string[] | null {
  if (domains === undefined) return before?.configuration.trustedEmailDomains ?? null;
  if (domains === null) return null;
  return [...new Set(domains.map(checkedDomain))];
}

function checkedDomain(text: string): string {
  const domain = text.includes('@') ? '' : domainOf(text);
  if (!/^[a-z0-9-]+(\.[a-z0-9-]+)*$/.test(domain))
    throw new InvalidRequestError('trusted_email_domains: each must be a domain, such as example.org.');
  return domain;
}

function checkClaimMapping(mapping: ClaimMapping): void {
  for (const [name, source] of Object.entries(mapping)) {
    if (name !== LOGIN_CLAIM && !STANDARD_CLAIMS.includes(name))
      throw new InvalidRequestError(`claim_mapping: ${name.slice(0, 50)} is not a standard claim.`);
    if (typeof source !== 'string' || source === '' || source.length > 200)
      throw new InvalidRequestError(`claim_mapping: the source of ${name} must be the name of a claim.`);
  }
}
