import { AUTHORIZATION_CODE } from './authorization-code.js';
import { CLIENT_CREDENTIALS } from './client-credentials.js';
import type { GrantType } from './grant-handler.js';
import { REFRESH_TOKEN } from './refresh-token.js';

/** The grant types that are offered. Another one is a file in this folder and a line here. */
export const GRANTS: readonly GrantType[] = [AUTHORIZATION_CODE, REFRESH_TOKEN, CLIENT_CREDENTIALS];
