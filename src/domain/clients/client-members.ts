import type { Type } from '@nestjs/common';
import { getMetadataStorage } from 'class-validator';
import { InvalidClientMetadataError } from '../../platform/oidc/errors.js';
import { unknownMember } from '../../platform/oidc/similar-names.js';
import type { ClientMetadataDto } from './dto/client-metadata.dto.js';

/** Part of our responses, so a client that changes what it read sends it back. It says nothing. */
const OURS = [
  'client_id',
  'client_secret',
  'client_secret_expires_at',
  'client_id_issued_at',
  'disabled_at',
  'logout_check',
  'registration_access_token',
  'registration_client_uri',
];

/**
 * Metadata of the registry of IANA (OAuth Dynamic Client Registration Metadata) that ask for something that we do not
 * do. An administrator who sets one would wait for what never comes, so it is refused by its name; one that asks for
 * nothing (`false`, empty) is what everybody gets anyway.
 */
const NOT_OFFERED = new Set([
  'software_statement',
  'sector_identifier_uri',
  'request_uris',
  'request_object_signing_alg',
  'request_object_encryption_alg',
  'request_object_encryption_enc',
  'require_signed_request_object',
  'id_token_encrypted_response_enc',
  'userinfo_encrypted_response_enc',
  'authorization_signed_response_alg',
  'authorization_encrypted_response_alg',
  'authorization_encrypted_response_enc',
  'introspection_signed_response_alg',
  'introspection_encrypted_response_alg',
  'introspection_encrypted_response_enc',
  'tls_client_auth_subject_dn',
  'tls_client_auth_san_dns',
  'tls_client_auth_san_uri',
  'tls_client_auth_san_ip',
  'tls_client_auth_san_email',
  'tls_client_certificate_bound_access_tokens',
  'dpop_bound_access_tokens',
  'authorization_details_types',
  'use_mtls_endpoint_aliases',
  'backchannel_token_delivery_mode',
  'backchannel_client_notification_endpoint',
  'backchannel_authentication_request_signing_alg',
  'backchannel_user_code_parameter',
  'default_acr_values',
]);

/** Names and addresses in other languages (RFC 7591 §2.2): we show the plain one to everybody. */
const IN_A_LANGUAGE = /^(client_name|client_uri|logo_uri|tos_uri|policy_uri)#[A-Za-z0-9-]+$/;

/**
 * Refuses members that an administrator did not mean: misspelt ones, and ones that we would not honour. An application
 * whose `backchannel_logout_url` is dropped in silence is never notified of a logout, and no log says so. Clients that
 * register themselves are not refused (RFC 7591 §2: unknown members are ignored).
 *
 * @param dto whose members are honoured, or answered with what we say about their values
 * @throws InvalidClientMetadataError that names the member, and the one that was probably meant
 */
export function refuseUnknownMembers(metadata: unknown, dto: Type<ClientMetadataDto>): void {
  if (typeof metadata !== 'object' || metadata === null) return;
  const known = memberNames(dto);
  for (const [name, value] of Object.entries(metadata)) {
    if (known.includes(name) || OURS.includes(name) || IN_A_LANGUAGE.test(name)) continue;
    if (!NOT_OFFERED.has(name))
      throw new InvalidClientMetadataError(`${unknownMember(name, [...known, 'client_id', 'client_secret'])}.`);
    if (!asksForNothing(value)) throw new InvalidClientMetadataError(`${name} is not supported.`);
  }
}

/** The members that a DTO has. */
export function memberNames(dto: Type<object>): string[] {
  const checks = getMetadataStorage().getTargetValidationMetadatas(dto, '', true, false);
  return [...new Set(checks.map(({ propertyName }) => propertyName))];
}

function asksForNothing(value: unknown): boolean {
  return value === null || value === false || value === '' || (Array.isArray(value) && value.length === 0);
}
