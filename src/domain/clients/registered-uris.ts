import type { ClientMetadata } from '../../platform/oidc/client-metadata.js';
import { InvalidClientMetadataError, InvalidRedirectUriError } from '../../platform/oidc/errors.js';
import { frontChannelLogoutUriProblem, redirectUriProblem } from '../../platform/oidc/redirect-uri.js';
import type { ClientMetadataDto } from './dto/client-metadata.dto.js';

/** Rules for URIs in client metadata. */

type TargetUris = 'redirect_uris' | 'post_logout_redirect_uris';

/** What the rules for URIs depend on besides the URI. */
export interface UriRules {
  /** An administrator may register what a client may not by itself. */
  readonly administrator: boolean;
  readonly allowInsecure: boolean;
  /** What is registered, where that is changed: what a client has is not refused for a rule that came later. */
  readonly before?: ClientMetadata | undefined;
}

/** Checks one more URI as `registeredMetadata` would. */
export function checkPostLogoutRedirectUri(uri: string, metadata: ClientMetadata, rules: UriRules): void {
  checkTargetUri(
    'post_logout_redirect_uris',
    uri,
    rules,
    metadata.application_type,
    metadata.token_endpoint_auth_method,
  );
}

export function redirectUrisOf(dto: ClientMetadataDto, rules: UriRules, needed: boolean, authMethod: string): string[] {
  const uris = targetUris(dto, 'redirect_uris', rules, authMethod);
  if (uris.length === 0 && needed) {
    throw new InvalidRedirectUriError('redirect_uris is required for the authorization code flow.');
  }
  return uris;
}

export function targetUris(dto: ClientMetadataDto, name: TargetUris, rules: UriRules, authMethod: string): string[] {
  const uris = [...new Set(dto[name] ?? [])];
  for (const uri of uris) checkTargetUri(name, uri, rules, dto.application_type, authMethod);
  return uris;
}

function isRegistered(name: TargetUris, uri: string, before: ClientMetadata | undefined): boolean {
  return before?.[name].includes(uri) === true;
}

function checkTargetUri(
  name: TargetUris,
  uri: string,
  rules: UriRules,
  applicationType: string | undefined,
  authMethod: string,
): void {
  const problem = redirectUriProblem(uri, {
    allowInsecure: rules.allowInsecure,
    allowPrivateUseScheme: applicationType === 'native' || authMethod === 'none',
    // The vendor of an app does not change its scheme for us; that two apps may share one is the administrator's to weigh.
    // What an administrator registered a client may send back when it changes something else.
    allowAnyPrivateUseScheme: rules.administrator || isRegistered(name, uri, rules.before),
  });
  if (problem !== undefined) throw new InvalidRedirectUriError(`An entry of ${name} ${problem}.`);
}

export function webUri<
  Name extends
    'backchannel_logout_uri' | 'initiate_login_uri' | 'client_uri' | 'logo_uri' | 'policy_uri' | 'tos_uri' | 'jwks_uri',
>(dto: ClientMetadataDto, name: Name, rules: UriRules): { readonly [name in Name]?: string } {
  const uri = dto[name];
  if (uri === undefined || uri === '') return {};
  const problem = redirectUriProblem(uri, { allowInsecure: rules.allowInsecure, allowPrivateUseScheme: false });
  if (problem !== undefined) throw new InvalidClientMetadataError(`${name} ${problem}.`);
  return { [name]: uri } as { [name in Name]: string };
}

/** Front-Channel Logout 1.0 §2: scheme, host and port of a registered redirect URI. */
export function frontChannelUri(
  dto: ClientMetadataDto,
  redirectUris: readonly string[],
  rules: UriRules,
): { readonly frontchannel_logout_uri?: string } {
  const uri = dto.frontchannel_logout_uri;
  if (uri === undefined || uri === '') return {};
  const problem = frontChannelLogoutUriProblem(uri, redirectUris, rules);
  if (problem !== undefined) throw new InvalidClientMetadataError(`frontchannel_logout_uri ${problem}.`);
  return { frontchannel_logout_uri: uri };
}
