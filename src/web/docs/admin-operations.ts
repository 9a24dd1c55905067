import type { OperationWords } from './operation-words.js';

const ACCOUNT = '0197f4a2-7c1e-7c3b-9a51-0b8e4b7a8a10';
const ISSUER = 'https://login.example.org';
const LIMIT = 'limit must not be greater than 200.';
const LAST_ADMINISTRATOR = 'This is the last client that can administer the service, and nobody could undo this.';
const NO_ACCOUNT = 'There is no such account.';
const NO_CLIENT = 'There is no such client.';
const NO_DELIVERY = 'There is no such delivery.';
const NO_ORDER = 'There is no such logout order.';
const NO_ORGANIZATION = 'There is no such organization.';
const NO_SESSION = 'There is no such session.';
const NO_TERMINATION = 'There is no such termination.';
const NO_UPSTREAM = 'There is no such upstream.';
const BAD_REDIRECT = [
  'invalid_redirect_uri',
  'An entry of redirect_uris must use https (http is for loopback addresses).',
] as const;
const WEB_CLIENT = {
  client_name: 'Ledger',
  redirect_uris: ['https://ledger.example.com/callback'],
  post_logout_redirect_uris: ['https://ledger.example.com/signed-out'],
  backchannel_logout_uri: 'https://ledger.example.com/backchannel-logout',
  grant_types: ['authorization_code', 'refresh_token'],
};

/** The operator API, by `operationId`. */
export const ADMIN_OPERATIONS: Readonly<Record<string, OperationWords>> = {
  AdminClients_create: {
    success: 'The registered client with every default filled in, and its `client_secret`: this once and never again.',
    body: WEB_CLIENT,
    errors: { 400: BAD_REDIRECT, 409: 'This client_id is taken.' },
  },
  AdminClients_list: {
    success: 'A page of clients, newest first, and `next_cursor` while there are more.',
    errors: { 400: LIMIT },
  },
  AdminClients_read: {
    success: 'The client’s metadata. No secret: only its hash is kept.',
    errors: { 404: NO_CLIENT },
  },
  AdminClients_replace: {
    success: 'The metadata as it is now. With `client_secret` when the client needs one that it did not have.',
    body: { ...WEB_CLIENT, client_name: 'Ledger (test)' },
    errors: { 400: BAD_REDIRECT, 404: NO_CLIENT, 409: LAST_ADMINISTRATOR },
  },
  AdminClients_patch: {
    success: 'The metadata as it is now, with what was not sent as it was before.',
    body: { client_name: 'Ledger of 2027' },
    errors: {
      400: ['invalid_client_metadata', 'client_name must be a string.'],
      404: NO_CLIENT,
      409: LAST_ADMINISTRATOR,
    },
  },
  AdminClients_delete: {
    errors: { 404: NO_CLIENT, 409: LAST_ADMINISTRATOR },
  },
  AdminClients_rotateSecret: {
    success: 'The new `client_secret`, this once. The old one does not work any more.',
    errors: { 404: NO_CLIENT, 409: 'This client does not authenticate with a secret.' },
  },
  AdminClients_listPostLogoutRedirectUris: { success: 'The registered addresses.', errors: { 404: NO_CLIENT } },
  AdminClients_addPostLogoutRedirectUri: {
    success: 'The registered addresses, the new one among them.',
    body: { uri: 'https://ledger.example.com/goodbye' },
    errors: {
      400: ['invalid_redirect_uri', 'An entry of post_logout_redirect_uris must not have a fragment.'],
      404: NO_CLIENT,
    },
  },
  AdminClients_removePostLogoutRedirectUri: {
    errors: { 400: 'uri must be sent once.', 404: 'This URI is not registered.' },
  },
  AdminClientSwitches_disable: {
    success: 'What ended with it: sessions, grants, and the applications that are being notified.',
    errors: { 404: NO_CLIENT, 409: 'A client cannot disable itself: nobody would enable it again.' },
  },
  AdminClientSwitches_enable: {
    success: 'The client, which may sign people in again. What ended stays ended.',
    errors: { 404: NO_CLIENT },
  },
  AdminAccounts_create: {
    success: 'The new account with its `id`, which is the `sub` that applications see.',
    body: { login: 'mia@example.com', email: 'mia@example.com', claims: { name: 'Mia Example' } },
    errors: { 400: 'login must be a string.', 409: 'This login is taken.' },
  },
  AdminAccounts_list: {
    success: 'A page of accounts, newest first, and `next_cursor` while there are more.',
    errors: { 400: LIMIT },
  },
  AdminAccounts_read: { success: 'The account, without anything of its password.', errors: { 404: NO_ACCOUNT } },
  AdminAccounts_update: {
    success: 'The account as it is now.',
    body: { email: 'mia@example.org', claims: { name: 'Mia Example' } },
    errors: { 400: 'email must be an email.', 404: NO_ACCOUNT, 409: 'This login is taken.' },
  },
  AdminAccounts_delete: { errors: { 404: NO_ACCOUNT } },
  AdminAccounts_setRoles: {
    success: 'The account with its roles as they are now.',
    body: { roles: ['operator'] },
    errors: { 400: 'each value in roles must be one of the following values: operator.', 404: NO_ACCOUNT },
  },
  AdminAccounts_setPassword: {
    success: 'What ended by it: every session of the person, and every grant.',
    body: { password: 'plum kettle 47 harbour' },
    errors: { 400: 'password must be longer than or equal to 8 characters.', 404: NO_ACCOUNT },
  },
  AdminAccounts_disable: {
    success: 'What ended by it: every session of the person, and every grant.',
    errors: { 404: NO_ACCOUNT },
  },
  AdminAccounts_enable: {
    success: 'The account, which may sign in again. What ended stays ended.',
    errors: { 404: NO_ACCOUNT },
  },
  AdminConsents_list: {
    success: 'Each application with the scopes that the person allowed it.',
    errors: { 404: NO_ACCOUNT },
  },
  AdminConsents_withdraw: {
    success: 'What ended by it: every grant of this person to this application.',
    errors: { 404: 'The person allowed this application nothing.' },
  },
  AdminSessions_list: {
    success: 'A page of sessions, newest first, and `next_cursor` while there are more.',
    errors: { 400: LIMIT },
  },
  AdminSessions_endAll: {
    success:
      'What ended: sessions, grants, and the applications that are being notified. Zeros when there was nothing.',
    errors: { 400: 'account_id must be a UUID.' },
  },
  AdminSessions_read: {
    success: 'The session, and the `sid` by which each application knows it.',
    errors: { 404: NO_SESSION },
  },
  AdminSessions_end: {
    success:
      'What ended: the session, its grants, and the applications that are being notified. Zeros when it had ended.',
    errors: { 404: NO_SESSION },
  },
  AdminLogouts_listTerminations: {
    success: 'A page of terminations, newest first, each with its cause and who asked.',
    errors: { 400: LIMIT },
  },
  AdminLogouts_readTermination: {
    success: 'The termination, and what became of each of its notices.',
    errors: { 404: NO_TERMINATION },
  },
  AdminLogouts_listDeliveries: {
    success: 'A page of deliveries, newest first, and `next_cursor` while there are more.',
    errors: { 400: LIMIT },
  },
  AdminLogouts_readDelivery: { success: 'The delivery, and what came of each attempt.', errors: { 404: NO_DELIVERY } },
  AdminDeliveries_resendAll: {
    success: 'How many deliveries are due again. Zero when none fits.',
    body: { state: 'abandoned' },
    errors: { 400: 'state must be one of the following values: rejected, abandoned.' },
  },
  AdminDeliveries_resend: {
    success: 'The delivery, which is pending again.',
    errors: { 404: NO_DELIVERY, 409: 'This delivery was accepted; it is not sent again.' },
  },
  AdminDeliveries_stateOf: {
    success: 'How notices to this client go, and whether they are held back.',
    errors: { 404: NO_CLIENT },
  },
  AdminDeliveries_check: {
    success: 'What the endpoint answered to a token that ends nothing, and what each finding means.',
    errors: { 404: NO_CLIENT, 409: 'The client has no backchannel_logout_uri to send it to.' },
  },
  AdminDeliveries_preview: {
    success: 'Which sessions and grants would end, and which applications would be notified. Nothing has ended.',
    body: { client_id: 'exeunt-admin', cause: 'client_disabled' },
    errors: { 400: 'Name one of session_id, account_id, client_id, grant_id and upstream.', 404: NO_SESSION },
  },
  AdminLogoutOrders_place: {
    success: 'The order. It holds from this moment on; records and notices follow, see its progress.',
    body: { account_id: ACCOUNT, reason: 'Incident 2026-118' },
    errors: {
      400: 'Name one of account_id, client_id, upstream and everyone.',
      404: NO_ACCOUNT,
      409: 'Another order was placed by this Idempotency-Key.',
    },
  },
  AdminLogoutOrders_list: { success: 'A page of logout orders, newest first.', errors: { 400: LIMIT } },
  AdminLogoutOrders_read: {
    success: 'The order, and how far its records and notices have come, by application.',
    errors: { 404: NO_ORDER },
  },
  AdminLogoutOrders_pause: {
    success: 'The order. What it ended stays ended; records and notices wait.',
    errors: { 404: NO_ORDER, 409: 'The order is done.' },
  },
  AdminLogoutOrders_resume: {
    success: 'The order, whose records and notices go on.',
    errors: { 404: NO_ORDER, 409: 'The order is done.' },
  },
  AdminAudit_list: {
    success: 'A page of audit events, newest first, and `next_cursor` while there are more.',
    errors: { 400: LIMIT },
  },
  AdminReceipts_read: { success: 'The signed receipt.', errors: { 404: NO_TERMINATION } },
  AdminReceipts_export: {
    success: 'Receipts in the order of the chain, one JSON object a line.',
    errors: { 400: 'after must not be less than 0.' },
  },
  AdminReceipts_jwks: { success: 'A JWK Set that verifies every receipt, those of retired keys too.' },
  AdminKeys_list: { success: 'Every signing key with its times; no private part.' },
  AdminKeys_rotate: {
    success: 'The keys as they are now.',
    body: { immediately: false },
    errors: { 400: 'immediately must be a boolean value.' },
  },
  AdminUpstreams_create: {
    success:
      'The upstream, and the three addresses to register at that provider. Its client secret is not shown again.',
    body: {
      name: 'corporate',
      display_name: 'Corporate SSO',
      issuer: ISSUER,
      client_id: 'exeunt',
      client_secret: 'w5mY0bqvC7vXlqjvF0oC0b6i3C3m6m8n0oP1q2r3s4t',
    },
    errors: { 400: 'issuer must be an https URL.', 409: 'This name is taken.' },
  },
  AdminUpstreams_list: { success: 'Every upstream, by name.' },
  AdminUpstreams_read: { success: 'The upstream, without its client secret.', errors: { 404: NO_UPSTREAM } },
  AdminUpstreams_update: {
    success: 'The upstream as it is now.',
    body: { display_name: 'Corporate sign-in' },
    errors: {
      400: 'display_name must be a string.',
      404: NO_UPSTREAM,
      409: 'This client_id is registered for this issuer already.',
    },
  },
  AdminUpstreams_delete: { errors: { 404: NO_UPSTREAM, 409: 'An organization points at this upstream.' } },
  AdminIdentities_list: { success: 'Whom the account is at other providers.', errors: { 404: NO_ACCOUNT } },
  AdminIdentities_link: {
    success: 'The link: the person who signs in there as this subject is this account here.',
    body: { issuer: ISSUER, sub: '248289761001' },
    errors: { 400: 'issuer must be a string.', 404: NO_ACCOUNT, 409: 'This person is linked to an account already.' },
  },
  AdminIdentities_unlink: {
    errors: { 400: 'sub must be sent once.', 404: 'The account is not linked to this person.' },
  },
  AdminOrganizations_create: {
    success: 'The organization.',
    body: { id: 'acme', name: 'Acme' },
    errors: { 400: 'id must be a string.', 409: 'This id is taken.' },
  },
  AdminOrganizations_list: { success: 'Every organization, by id.' },
  AdminOrganizations_read: { success: 'The organization.', errors: { 404: NO_ORGANIZATION } },
  AdminOrganizations_update: {
    success: 'The organization as it is now.',
    body: { name: 'Acme Ltd' },
    errors: { 400: 'name must be a string.', 404: NO_ORGANIZATION },
  },
  AdminOrganizations_delete: { errors: { 404: NO_ORGANIZATION } },
};
