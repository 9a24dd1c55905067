import { OfferedGrants } from '../../clients/offered-grants.js';
import type { GrantType } from './grant-handler.js';

/** The grant types that this installation offers, as the token endpoint asks about them. */
export class OfferedGrantTypes extends OfferedGrants<GrantType> {}
