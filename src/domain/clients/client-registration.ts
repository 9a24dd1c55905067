import type { Type } from '@nestjs/common';
import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import { DEFAULT_ID_TOKEN_ALGORITHM, type SigningAlgorithm } from '../../platform/oidc/algorithms.js';
import { isServerScope, isScopeToken, parseScope, STANDARD_SCOPES } from '../../platform/oidc/claims.js';
import type { ClientMetadata, IdTokenClaims } from '../../platform/oidc/client-metadata.js';
import { notOneOf } from '../../platform/oidc/open-enums.js';
import { InvalidClientMetadataError, InvalidRedirectUriError } from '../../platform/oidc/errors.js';
import { textProblem } from '../../platform/oidc/text.js';
import { publicKeyProblem } from './client-keys.js';
import { memberNames } from './client-members.js';
import type { ClientMetadataDto } from './dto/client-metadata.dto.js';
import type { OfferedGrants } from './offered-grants.js';
import type { RegistrableValues } from './ports/registrable-values.js';
import type { ClientProof } from './proofs/client-proof.js';
import type { OfferedProofs } from './proofs/offered-proofs.js';
import { frontChannelUri, redirectUrisOf, targetUris, webUri, type UriRules } from './registered-uris.js';

/** RFC 7591 §2 */
const DEFAULT_AUTH_METHOD = 'client_secret_basic';

/** An administrator may set what a self-registered client may not: first-party switches, audiences, any scope. */
export interface RegistrationRules extends UriRules {
  readonly dto: Type<ClientMetadataDto>;
  readonly grants: OfferedGrants;
  readonly proofs: OfferedProofs;
  readonly values: RegistrableValues;
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
  const dto = parse(input, rules.dto);
  checkValues(dto, rules);
  for (const name of UNSUPPORTED) {
    if (dto[name] !== undefined && dto[name] !== null)
      throw new InvalidClientMetadataError(`${name} is not supported.`);
  }
  if (dto.subject_type !== undefined && dto.subject_type !== 'public') {
    throw new InvalidClientMetadataError('subject_type must be public.');
  }
  const grantTypes = rules.grants.registered(dto.grant_types);
  const responseTypes = rules.grants.responseTypes(grantTypes);
  const authMethod = dto.token_endpoint_auth_method ?? DEFAULT_AUTH_METHOD;
  const proof = rules.proofs.of({ token_endpoint_auth_method: authMethod });
  const redirectUris = redirectUrisOf(dto, rules, responseTypes.length > 0, authMethod);
  rules.grants.check(grantTypes, proof?.authenticates === true);
  const metadata: ClientMetadata = {
    ...pick(dto, ['client_name', 'contacts', 'default_max_age', 'software_id', 'software_version']),
    application_type: dto.application_type === 'native' ? 'native' : 'web',
    redirect_uris: redirectUris,
    post_logout_redirect_uris: targetUris(dto, 'post_logout_redirect_uris', rules, authMethod),
    response_types: responseTypes,
    grant_types: grantTypes,
    token_endpoint_auth_method: authMethod,
    ...assertionAlgorithm(dto, rules.proofs),
    ...keysOf(dto, authMethod, rules),
    ...membersOf(proof, dto),
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
    require_pushed_authorization_requests: dto.require_pushed_authorization_requests ?? false,
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

function parse(input: unknown, type: Type<ClientMetadataDto>): ClientMetadataDto {
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
  const dto = plainToInstance(type, present);
  const [error] = validateSync(dto, { whitelist: true, stopAtFirstError: true });
  if (error === undefined) return dto;
  const description = `${Object.values(error.constraints ?? {})[0] ?? `${error.property} is not valid`}.`;
  throw error.property === 'redirect_uris'
    ? new InvalidRedirectUriError(description)
    : new InvalidClientMetadataError(description);
}

function checkValues(dto: ClientMetadataDto, { values }: RegistrationRules): void {
  refuseOthers('backchannel_logout_causes', dto.backchannel_logout_causes, values.terminationCauses);
  refuseOthers('permissions', dto.permissions, values.permissions);
}

function refuseOthers(member: string, sent: readonly string[] = [], known: readonly string[]): void {
  if (!sent.every((value) => known.includes(value)))
    throw new InvalidClientMetadataError(notOneOf(member, known, { each: true }));
}

function isRedirectMember(name: string | undefined): boolean {
  return name === 'redirect_uris' || name === 'post_logout_redirect_uris';
}

function keysOf(
  dto: ClientMetadataDto,
  authMethod: string,
  rules: RegistrationRules,
): Pick<ClientMetadata, 'jwks' | 'jwks_uri'> {
  if (dto.jwks !== undefined && dto.jwks_uri !== undefined) {
    throw new InvalidClientMetadataError('jwks and jwks_uri must not be used together.');
  }
  const problem = rules.proofs.of({ token_endpoint_auth_method: authMethod })?.registrationProblem?.({ ...dto });
  if (problem !== undefined) throw new InvalidClientMetadataError(`${authMethod} ${problem}.`);
  if (dto.jwks === undefined) return webUri(dto, 'jwks_uri', rules);
  const { keys } = dto.jwks;
  if (!Array.isArray(keys) || keys.length > 50)
    throw new InvalidClientMetadataError('jwks must have an array of at most 50 keys.');
  for (const key of keys) {
    const keyProblem = publicKeyProblem(key);
    if (keyProblem !== undefined) throw new InvalidClientMetadataError(`A key of jwks ${keyProblem}.`);
  }
  return { jwks: { keys } };
}

function assertionAlgorithm(
  { token_endpoint_auth_signing_alg: alg }: ClientMetadataDto,
  { signingAlgorithms }: OfferedProofs,
): { readonly token_endpoint_auth_signing_alg?: string } {
  if (alg === undefined) return {};
  if (!signingAlgorithms.includes(alg)) {
    throw new InvalidClientMetadataError(
      `token_endpoint_auth_signing_alg must be one of ${signingAlgorithms.join(', ')}.`,
    );
  }
  return { token_endpoint_auth_signing_alg: alg };
}

/** What the client's kind of proof keeps in its metadata. */
function membersOf(proof: ClientProof | undefined, dto: ClientMetadataDto): object {
  const sent: Readonly<Record<string, unknown>> = { ...dto };
  const names = proof?.members === undefined ? [] : memberNames(proof.members);
  return Object.fromEntries(names.filter((name) => sent[name] !== undefined).map((name) => [name, sent[name]]));
}

/** A client that registers itself follows the specification: its ID tokens are strict unless it asks for others. */
function idTokenClaims(dto: ClientMetadataDto, rules: RegistrationRules): { readonly id_token_claims?: IdTokenClaims } {
  const asked = dto.id_token_claims as IdTokenClaims | undefined;
  if (asked !== undefined) return { id_token_claims: asked };
  return rules.administrator ? {} : { id_token_claims: 'conform' };
}

/** A self-registered client gets standard scopes only; the rest of what it asked for is dropped. */
function scopeOf({ scope }: ClientMetadataDto, grantTypes: readonly string[], rules: RegistrationRules): string {
  if (scope === undefined) return STANDARD_SCOPES.join(' ');
  const wanted = parseScope(scope);
  if (!wanted.every(isScopeToken)) {
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
  grantTypes: readonly string[],
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
