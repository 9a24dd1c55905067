import { EXAMPLE } from './examples.js';
import { ADMIN_OPERATIONS } from './admin-operations.js';
import type { OperationWords } from './operation-words.js';

const { accessToken: ACCESS_TOKEN, refreshToken: REFRESH_TOKEN } = EXAMPLE;
const CSRF = 'n3Zq4yXc8o1Jb0sG5vLr2kTt';
const NO_TERMINATION = 'There is no such termination.';
const BAD_REDIRECT = [
  'invalid_redirect_uri',
  'An entry of redirect_uris must use https (http is for loopback addresses).',
] as const;

/** By `operationId`. Those of the logout dialects are in their descriptors. */
export const OPERATIONS: Readonly<Record<string, OperationWords>> = {
  ...ADMIN_OPERATIONS,
  Registration_register: {
    body: {
      client_name: 'Ledger for the desktop',
      application_type: 'native',
      redirect_uris: ['http://127.0.0.1/callback'],
      token_endpoint_auth_method: 'none',
    },
    errors: { 400: BAD_REDIRECT, 404: 'Registration is switched off.' },
  },
  Registration_read: { success: 'The registration, without its secret.' },
  Registration_replace: {
    success: 'The registration as it is now.',
    body: { client_name: 'Ledger for the desktop', redirect_uris: ['http://127.0.0.1/callback'] },
    errors: { 400: BAD_REDIRECT },
  },

  Token_token: {
    success: 'The tokens. With `id_token` for the scope `openid`, with `refresh_token` where the client may refresh.',
    body: { grant_type: 'client_credentials', scope: 'exeunt:admin' },
    errors: { 400: ['invalid_grant', 'The code is unknown, expired or used.'] },
  },
  Token_revoke: { body: { token: REFRESH_TOKEN }, errors: { 400: 'token must be sent once.' } },
  Token_introspect: {
    success: '`active: true` with what the token is for, or `active: false` and nothing more.',
    body: { token: ACCESS_TOKEN },
    errors: { 400: 'token must be sent once.' },
  },
  Userinfo_post: { body: { access_token: ACCESS_TOKEN }, errors: { 400: 'access_token must be sent once.' } },
  Authorize_post: {
    body: {
      client_id: 'ledger',
      response_type: 'code',
      redirect_uri: 'https://ledger.example.com/callback',
      scope: 'openid profile',
      state: 'af0ifjsldkj',
    },
  },
  PushedAuthorization_push: {
    success: 'The request is kept, for one response.',
    body: {
      client_id: 'ledger',
      response_type: 'code',
      redirect_uri: 'https://ledger.example.com/callback',
      scope: 'openid profile',
      code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
      code_challenge_method: 'S256',
    },
    errors: { 400: 'The address to return to (redirect_uri) is not registered for this application.' },
  },
  Interaction_signIn: { body: { login: 'mia@example.com', password: 'plum kettle 47 harbour', csrf: CSRF } },
  Interaction_consent: { body: { decision: 'allow', csrf: CSRF } },
  Interaction_cancel: { body: { csrf: CSRF } },
  AccountApplications_withdraw: { body: { client_id: 'ledger', csrf: CSRF } },
  AccountSessions_endOne: { body: { csrf: CSRF } },
  AccountSessions_endOthers: { body: { csrf: CSRF } },
  ConsoleSignIn_signIn: { body: { login: 'mia@example.com', password: 'plum kettle 47 harbour', csrf: CSRF } },
  ConsoleSignIn_signInClient: { body: { client_id: 'exeunt-admin', client_secret: REFRESH_TOKEN, csrf: CSRF } },
  ConsoleSignIn_leave: { body: { csrf: CSRF } },
  Console_overviewEvents: { success: 'Server-sent events: a part of the page with each change.' },
  Console_timelineEvents: {
    success: 'Server-sent events: a part of the page with each change.',
    errors: { 404: NO_TERMINATION },
  },
  SignedOut_events: { success: 'Server-sent events: each application with its state, until none is pending.' },
  Health_live: { success: '`status: "up"`. Says nothing about storage.' },
  Health_ready: { success: '`status: "up"`: storage answers, so requests may be sent here.' },
  Metrics_read: { success: 'Every metric in the text format of Prometheus.' },
};
