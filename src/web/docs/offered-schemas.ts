import type { Type } from '@nestjs/common';
import type { OfferedProofs } from '../../domain/clients/proofs/offered-proofs.js';
import type { OfferedGrantTypes } from '../../domain/tokens/grants/offered-grant-types.js';
import { offeredTokenParameter, offeredTokenRequest } from '../oauth/dto/token-request.dto.js';

/*
 * Schemas that follow from what is offered. The decorators of controllers and DTOs are the same in every installation, so
 * these are made besides, and put into the document afterwards.
 */

interface Schema {
  properties?: Record<string, object>;
}

/** Classes that the document needs, for {@link describeOffer} to take apart. */
export function offeredModels(grants: OfferedGrantTypes, proofs: OfferedProofs): Type[] {
  return [offeredTokenRequest(grants, proofs), offeredTokenParameter(proofs), ...proofs.members];
}

/**
 * Completes the bodies of the token endpoints, and the schemas of client metadata by the members that kinds of client
 * authentication add. Values of enumerations are `OPEN_ENUMS`.
 *
 * @param schemas with those of {@link offeredModels}, which move into the others
 */
export function describeOffer(schemas: Record<string, Schema>, grants: OfferedGrantTypes, proofs: OfferedProofs): void {
  for (const name of ['TokenRequestDto', 'TokenParameterDto']) schemas[name] = taken(schemas, `Offered${name}`);
  const members = proofs.members.map(({ name }) => taken(schemas, name).properties);
  for (const { properties } of Object.values(schemas)) {
    const { grant_types: grantTypes, token_endpoint_auth_method: method } = properties ?? {};
    if (properties === undefined || grantTypes === undefined || method === undefined) continue;
    const names = grants.names.map((name) => `\`${name}\``).join(', ');
    properties.grant_types = { ...grantTypes, description: `${names}; others are dropped.` };
    Object.assign(properties, ...members);
  }
}

function taken(schemas: Record<string, Schema>, name: string): Schema {
  const schema = schemas[name] ?? {};
  delete schemas[name];
  return schema;
}
