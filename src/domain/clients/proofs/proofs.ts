import type { ClientProof } from './client-proof.js';
import { NO_PROOF } from './none.js';
import { PRIVATE_KEY_JWT } from './private-key-jwt.js';
import { CLIENT_SECRET } from './secret.js';

/** The kinds of client authentication that are offered. Another one is a file in this folder and a line here. */
export const PROOFS: readonly ClientProof[] = [CLIENT_SECRET, PRIVATE_KEY_JWT, NO_PROOF];
