import type { ClientMetadata } from '../../platform/oidc/client-metadata.js';

/** Where responses go, what it may do, how it proves who it is, and what people see of it: what is checked. */
const LISTS = ['redirect_uris', 'post_logout_redirect_uris', 'grant_types'] as const;
const VALUES = [
  'application_type',
  'token_endpoint_auth_method',
  'jwks_uri',
  'backchannel_logout_uri',
  'frontchannel_logout_uri',
  'initiate_login_uri',
  'client_name',
  'client_uri',
  'logo_uri',
  'policy_uri',
  'tos_uri',
] as const;

/**
 * Whether a client that changes its own registration is still the one that an administrator trusted with more than
 * others. A thief of its registration token could otherwise have people's codes sent elsewhere without a question to
 * them. To give something up is no such change.
 */
function isStillVetted(before: ClientMetadata, after: ClientMetadata, proofMembers: readonly string[]): boolean {
  const members = ['jwks', ...proofMembers] as ReadonlyArray<keyof ClientMetadata>;
  return (
    LISTS.every((name) => after[name].every((value) => before[name].includes(value))) &&
    VALUES.every((name) => after[name] === undefined || after[name] === before[name]) &&
    members.every((name) => after[name] === undefined || JSON.stringify(after[name]) === JSON.stringify(before[name]))
  );
}

/**
 * What only administrators set survives a client's own update of its registration (RFC 7592 §2.2), as long as the
 * client is still the one that they looked at.
 *
 * @param proofMembers what kinds of client authentication keep in metadata
 */
export function administratorsChoices(
  before: ClientMetadata,
  after: ClientMetadata,
  proofMembers: readonly string[],
): Partial<ClientMetadata> {
  if (!isStillVetted(before, after, proofMembers)) return {};
  const { skip_consent, skip_logout_confirmation, headless_logout } = before;
  const { resource_server, audience, permissions } = before;
  return { skip_consent, skip_logout_confirmation, headless_logout, resource_server, audience, permissions };
}
