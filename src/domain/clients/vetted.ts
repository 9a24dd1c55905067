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
export function isStillVetted(before: ClientMetadata, after: ClientMetadata): boolean {
  return (
    LISTS.every((name) => after[name].every((value) => (before[name] as readonly string[]).includes(value))) &&
    VALUES.every((name) => after[name] === undefined || after[name] === before[name]) &&
    (after.jwks === undefined || JSON.stringify(after.jwks) === JSON.stringify(before.jwks))
  );
}
