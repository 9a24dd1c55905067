import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import {
  CLIENT_ASSERTION_ALGORITHMS,
  DEFAULT_ID_TOKEN_ALGORITHM,
  type SigningAlgorithm,
} from '../../platform/oidc/algorithms.js';
import { isServerScope, parseScope, STANDARD_SCOPES } from '../../platform/oidc/claims.js';
import {
  GRANT_TYPES,
  type ClientMetadata,
  type GrantType,
  type IdTokenClaims,
  type TokenEndpointAuthMethod,
} from '../../platform/oidc/client-metadata.js';
import { notOneOf } from '../../platform/oidc/open-enums.js';
import { InvalidClientMetadataError, InvalidRedirectUriError } from '../../platform/oidc/errors.js';
import { frontChannelLogoutUriProblem, redirectUriProblem } from '../../platform/oidc/redirect-uri.js';
import { textProblem } from '../../platform/oidc/text.js';
import { publicKeyProblem } from './client-keys.js';
import { ClientMetadataDto } from './dto/client-metadata.dto.js';

type TargetUris = 'redirect_uris' | 'post_logout_redirect_uris';

export interface RegistrationRules {
  /** An administrator may set what a self-registered client may not: first-party switches, audiences, any scope. */
  readonly administrator: boolean;
  readonly allowInsecure: boolean;
  /** For which a client may register. */
  readonly terminationCauses: readonly string[];
  /** What is registered, where that is changed: what a client has is not refused for a rule that came later. */
  readonly before?: ClientMetadata | undefined;
}

/** Members that we cannot honour. To ignore them would leave the client waiting for what never comes. */
const UNSUPPORTED = [
  'id_token_encrypted_response_alg',
  'userinfo_encrypted_response_alg',
  'request_object_encryption_alg',
] as const;

/**
 * Turns what was sent into the metadata that is registered: unknown members dropped, defaults filled in, values we do
 * not offer replaced where the specification allows it. One set of rules for `/register` and the admin API.
 *
 * @throws InvalidRedirectUriError for `redirect_uris` and `post_logout_redirect_uris`
 * @throws InvalidClientMetadataError for everything else
 * @see [RFC 7591](https://www.rfc-editor.org/rfc/rfc7591#section-2) §2, §3.2.2
 * @see [OpenID Connect Dynamic Client Registration 1.0](https://openid.net/specs/openid-connect-registration-1_0.html#ClientMetadata) §2
 */
export function registeredMetadata(input: unknown, rules: RegistrationRules): ClientMetadata {
  const dto = parse(input);
  checkCauses(dto, rules);
  for (const name of UNSUPPORTED) {
    if (dto[name] !== undefined && dto[name] !== null)
      throw new InvalidClientMetadataError(`${name} is not supported.`);
  }
  if (dto.subject_type !== undefined && dto.subject_type !== 'public') {
    throw new InvalidClientMetadataError('subject_type must be public.');
  }
  const grantTypes = grantTypesOf(dto);
  const authMethod = (dto.token_endpoint_auth_method ?? 'client_secret_basic') as TokenEndpointAuthMethod;
  const redirectUris = redirectUrisOf(dto, rules, grantTypes, authMethod);
  if (grantTypes.includes('client_credentials') && authMethod === 'none') {
    throw new InvalidClientMetadataError('client_credentials needs a client that authenticates.');
  }
  const metadata: ClientMetadata = {
    ...pick(dto, ['client_name', 'contacts', 'default_max_age', 'software_id', 'software_version']),
    application_type: dto.application_type === 'native' ? 'native' : 'web',
    redirect_uris: redirectUris,
    post_logout_redirect_uris: targetUris(dto, 'post_logout_redirect_uris', rules, authMethod),
    response_types: grantTypes.includes('authorization_code') ? ['code'] : [],
    grant_types: grantTypes,
    token_endpoint_auth_method: authMethod,
    ...assertionAlgorithm(dto),
    ...keysOf(dto, authMethod, rules),
    id_token_signed_response_alg: (dto.id_token_signed_response_alg ?? DEFAULT_ID_TOKEN_ALGORITHM) as SigningAlgorithm,
    ...(dto.userinfo_signed_response_alg === undefined
      ? {}
      : { userinfo_signed_response_alg: dto.userinfo_signed_response_alg as SigningAlgorithm }),
    ...(dto.request_object_signing_alg === undefined
      ? {}
      : { request_object_signing_alg: dto.request_object_signing_alg }),
    ...idTokenClaims(dto, rules),
    scope: scopeOf(dto, grantTypes, rules),
    ...webUri(dto, 'backchannel_logout_uri', rules),
    backchannel_logout_session_required: dto.backchannel_logout_session_required ?? false,
    ...(dto.backchannel_logout_causes === undefined
      ? {}
      : { backchannel_logout_causes: [...new Set(dto.backchannel_logout_causes)] }),
    backchannel_logout_reason_required: dto.backchannel_logout_reason_required ?? false,
    ...frontChannelUri(dto, redirectUris, rules),
    frontchannel_logout_session_required: dto.frontchannel_logout_session_required ?? false,
    ...webUri(dto, 'initiate_login_uri', { ...rules, allowInsecure: false }),
    ...webUri(dto, 'client_uri', { ...rules, allowInsecure: true }),
    ...webUri(dto, 'logo_uri', { ...rules, allowInsecure: true }),
    ...webUri(dto, 'policy_uri', { ...rules, allowInsecure: true }),
    ...webUri(dto, 'tos_uri', { ...rules, allowInsecure: true }),
    require_auth_time: dto.require_auth_time ?? false,
    skip_consent: rules.administrator && dto.skip_consent === true,
    skip_logout_confirmation: rules.administrator && dto.skip_logout_confirmation === true,
    headless_logout: rules.administrator && dto.headless_logout === true,
    resource_server: rules.administrator && dto.resource_server === true,
    audience: rules.administrator ? [...new Set(dto.audience ?? [])] : [],
    permissions: rules.administrator ? [...new Set(dto.permissions ?? [])] : [],
    access_token_format: dto.access_token_format === 'opaque' ? 'opaque' : 'jwt',
  };
  return metadata;
}

/** Checks one more URI as {@link registeredMetadata} would. */
export function checkPostLogoutRedirectUri(uri: string, metadata: ClientMetadata, rules: RegistrationRules): void {
  checkTargetUri(
    'post_logout_redirect_uris',
    uri,
    rules,
    metadata.application_type,
    metadata.token_endpoint_auth_method,
  );
}

function parse(input: unknown): ClientMetadataDto {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    throw new InvalidClientMetadataError('The request body must be a JSON object of client metadata.');
  }
  const problem = textProblem(input);
  if (problem !== undefined)
    throw isRedirectMember(problem.member)
      ? new InvalidRedirectUriError(problem.words)
      : new InvalidClientMetadataError(problem.words);
  // A member that is null counts as not sent: clients that serialise empty fields are common.
  const present = Object.fromEntries(Object.entries(input).filter(([, value]) => value !== null));
  const dto = plainToInstance(ClientMetadataDto, present);
  const [error] = validateSync(dto, { whitelist: true, stopAtFirstError: true });
  if (error === undefined) return dto;
  const description = `${Object.values(error.constraints ?? {})[0] ?? `${error.property} is not valid`}.`;
  throw error.property === 'redirect_uris'
    ? new InvalidRedirectUriError(description)
    : new InvalidClientMetadataError(description);
}

function checkCauses({ backchannel_logout_causes: causes = [] }: ClientMetadataDto, rules: RegistrationRules): void {
  if (!causes.every((cause) => rules.terminationCauses.includes(cause)))
    throw new InvalidClientMetadataError(
      notOneOf('backchannel_logout_causes', rules.terminationCauses, { each: true }),
    );
}

function isRedirectMember(name: string | undefined): boolean {
  return name === 'redirect_uris' || name === 'post_logout_redirect_uris';
}

/** Grant types that we do not offer are dropped (RFC 7591 §2: the server may replace). */
function grantTypesOf(dto: ClientMetadataDto): GrantType[] {
  const offered = GRANT_TYPES.filter((type) => dto.grant_types?.includes(type));
  if (dto.grant_types === undefined) return ['authorization_code'];
  if (offered.length > 0 && !(offered.length === 1 && offered[0] === 'refresh_token')) return offered;
  // Only implicit or refresh_token was asked for: what remains of it here is the code flow.
  return GRANT_TYPES.filter((type) => type === 'authorization_code' || offered.includes(type));
}

function redirectUrisOf(
  dto: ClientMetadataDto,
  rules: RegistrationRules,
  grantTypes: readonly GrantType[],
  authMethod: TokenEndpointAuthMethod,
): string[] {
  const uris = targetUris(dto, 'redirect_uris', rules, authMethod);
  if (uris.length === 0 && grantTypes.includes('authorization_code')) {
    throw new InvalidRedirectUriError('redirect_uris is required for the authorization code flow.');
  }
  return uris;
}

function targetUris(
  dto: ClientMetadataDto,
  name: TargetUris,
  rules: RegistrationRules,
  authMethod: TokenEndpointAuthMethod,
): string[] {
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
  rules: RegistrationRules,
  applicationType: string | undefined,
  authMethod: TokenEndpointAuthMethod,
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

function webUri<
  Name extends
    'backchannel_logout_uri' | 'initiate_login_uri' | 'client_uri' | 'logo_uri' | 'policy_uri' | 'tos_uri' | 'jwks_uri',
>(dto: ClientMetadataDto, name: Name, rules: RegistrationRules): { readonly [name in Name]?: string } {
  const uri = dto[name];
  if (uri === undefined || uri === '') return {};
  const problem = redirectUriProblem(uri, { allowInsecure: rules.allowInsecure, allowPrivateUseScheme: false });
  if (problem !== undefined) throw new InvalidClientMetadataError(`${name} ${problem}.`);
  return { [name]: uri } as { [name in Name]: string };
}

/** Front-Channel Logout 1.0 §2: scheme, host and port of a registered redirect URI. */
function frontChannelUri(
  dto: ClientMetadataDto,
  redirectUris: readonly string[],
  rules: RegistrationRules,
): { readonly frontchannel_logout_uri?: string } {
  const uri = dto.frontchannel_logout_uri;
  if (uri === undefined || uri === '') return {};
  const problem = frontChannelLogoutUriProblem(uri, redirectUris, rules);
  if (problem !== undefined) throw new InvalidClientMetadataError(`frontchannel_logout_uri ${problem}.`);
  return { frontchannel_logout_uri: uri };
}

function keysOf(
  dto: ClientMetadataDto,
  authMethod: TokenEndpointAuthMethod,
  rules: RegistrationRules,
): Pick<ClientMetadata, 'jwks' | 'jwks_uri'> {
  if (dto.jwks !== undefined && dto.jwks_uri !== undefined) {
    throw new InvalidClientMetadataError('jwks and jwks_uri must not be used together.');
  }
  if (authMethod === 'private_key_jwt' && dto.jwks === undefined && dto.jwks_uri === undefined) {
    throw new InvalidClientMetadataError('private_key_jwt needs jwks or jwks_uri.');
  }
  if (dto.jwks === undefined) return webUri(dto, 'jwks_uri', rules);
  const { keys } = dto.jwks;
  if (!Array.isArray(keys) || keys.length > 50)
    throw new InvalidClientMetadataError('jwks must have an array of at most 50 keys.');
  for (const key of keys) {
    const problem = publicKeyProblem(key);
    if (problem !== undefined) throw new InvalidClientMetadataError(`A key of jwks ${problem}.`);
  }
  return { jwks: { keys } };
}

function assertionAlgorithm(dto: ClientMetadataDto): { readonly token_endpoint_auth_signing_alg?: string } {
  const alg = dto.token_endpoint_auth_signing_alg;
  if (alg === undefined) return {};
  if (!(CLIENT_ASSERTION_ALGORITHMS as readonly string[]).includes(alg)) {
    throw new InvalidClientMetadataError(
      `token_endpoint_auth_signing_alg must be one of ${CLIENT_ASSERTION_ALGORITHMS.join(', ')}.`,
    );
  }
  return { token_endpoint_auth_signing_alg: alg };
}

/** A client that registers itself follows the specification: its ID tokens are strict unless it asks for others. */
function idTokenClaims(dto: ClientMetadataDto, rules: RegistrationRules): { readonly id_token_claims?: IdTokenClaims } {
  const asked = dto.id_token_claims as IdTokenClaims | undefined;
  if (asked !== undefined) return { id_token_claims: asked };
  return rules.administrator ? {} : { id_token_claims: 'conform' };
}

/** A self-registered client gets standard scopes only; the rest of what it asked for is dropped. */
function scopeOf({ scope }: ClientMetadataDto, grantTypes: readonly GrantType[], rules: RegistrationRules): string {
  if (scope === undefined) return STANDARD_SCOPES.join(' ');
  const wanted = parseScope(scope);
  if (wanted.some((value) => !/^[\x21\x23-\x5b\x5d-\x7e]+$/.test(value))) {
    throw new InvalidClientMetadataError('scope has a character that RFC 6749 §3.3 does not allow.');
  }
  if (rules.administrator) checkServerScopes(wanted, grantTypes, rules.before);
  return (
    rules.administrator ? wanted : wanted.filter((value) => (STANDARD_SCOPES as readonly string[]).includes(value))
  ).join(' ');
}

/** Power over this server is for a client's own tokens, never for a person's, so a client is for the one or for the other. */
function checkServerScopes(
  scope: readonly string[],
  grantTypes: readonly GrantType[],
  before: ClientMetadata | undefined,
): void {
  // One that has both from before is no danger: no person can grant it these.
  const had = before?.grant_types.includes('authorization_code') === true ? parseScope(before.scope) : [];
  const privileged = scope.filter((value) => isServerScope(value) && !had.includes(value));
  if (privileged.length > 0 && grantTypes.includes('authorization_code')) {
    throw new InvalidClientMetadataError(
      `scope ${privileged.join(' ')} is for a client's own tokens and cannot be had together with the grant type authorization_code, which is the default. Register two clients: one with grant_types ["client_credentials"] and this scope, one for people.`,
    );
  }
}

function pick<Key extends keyof ClientMetadataDto>(
  dto: ClientMetadataDto,
  names: readonly Key[],
): Pick<ClientMetadataDto, Key> {
  return Object.fromEntries(names.filter((name) => dto[name] !== undefined).map((name) => [name, dto[name]])) as Pick<
    ClientMetadataDto,
    Key
  >;
}
