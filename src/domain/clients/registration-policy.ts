import { Inject, Injectable, type Type } from '@nestjs/common';
import { IntersectionType } from '@nestjs/swagger';
import { IsIn } from 'class-validator';
import { SETTINGS, type Settings } from '../../platform/config/settings.js';
import type { Tx } from '../../platform/database/transaction.js';
import type { ClientMetadata } from '../../platform/oidc/client-metadata.js';
import { memberNames, refuseUnknownMembers } from './client-members.js';
import { registeredMetadata, type RegistrationRules } from './client-registration.js';
import { provesBySecret } from './client.js';
import { ClientMetadataDto } from './dto/client-metadata.dto.js';
import { keepingAnAdministrator } from './last-administrator.js';
import { OfferedGrants } from './offered-grants.js';
import { RegistrableValues } from './ports/registrable-values.js';
import { OfferedProofs } from './proofs/offered-proofs.js';
import { checkPostLogoutRedirectUri } from './registered-uris.js';
import { takenFromClient, type TakenFromClient } from './taken-from-client.js';
import { administratorsChoices } from './vetted.js';

/** The rules of registration, with the grant types and the kinds of client authentication that are offered here. */
@Injectable()
export class RegistrationPolicy {
  private readonly dto: Type<ClientMetadataDto>;

  constructor(
    private readonly grants: OfferedGrants,
    private readonly proofs: OfferedProofs,
    private readonly values: RegistrableValues,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {
    this.dto = metadataDto(proofs);
  }

  /**
   * The metadata that a client is registered with, from what was sent.
   * @param before what is registered, where that is changed: then a client keeps what administrators set for it
   * @throws InvalidRedirectUriError, InvalidClientMetadataError
   */
  metadata(input: unknown, administrator: boolean, before?: ClientMetadata): ClientMetadata {
    const metadata = registeredMetadata(input, this.rules(administrator, before));
    if (administrator || before === undefined) return metadata;
    const proofMembers = this.proofs.members.flatMap((members) => memberNames(members));
    return { ...metadata, ...administratorsChoices(before, metadata, proofMembers) };
  }

  /** @throws InvalidRedirectUriError for one that {@link metadata} would refuse of an administrator */
  checkPostLogoutRedirectUri(uri: string, metadata: ClientMetadata): void {
    checkPostLogoutRedirectUri(uri, metadata, this.rules(true));
  }

  /** @throws InvalidClientMetadataError that names the member, and the one that was probably meant */
  refuseUnknownMembers(metadata: unknown): void {
    refuseUnknownMembers(metadata, this.dto);
  }

  /**
   * Carries out a change of a client, unless it would leave none that can administer the service.
   * @throws ConflictError; what runs the transaction rolls it back
   */
  keepingAnAdministrator<T extends { readonly proofStays: boolean }>(
    tx: Tx,
    clientId: string,
    change: () => Promise<T>,
  ): Promise<T> {
    return keepingAnAdministrator(tx, clientId, this.settings.issuer, change);
  }

  /** What a change of a client's metadata takes from what it has. */
  takenBy(before: ClientMetadata, after: ClientMetadata): TakenFromClient {
    return takenFromClient(before, after, this.proofs.kept(before, after));
  }

  /** Whether the client can prove who it is after a change of its metadata by something that it has then. */
  keepsProof(before: ClientMetadata, after: ClientMetadata): boolean {
    // One that gets a secret by the change is shown it in the response.
    return provesBySecret(after) || this.proofs.kept(before, after) !== 'none';
  }

  private rules(administrator: boolean, before?: ClientMetadata): RegistrationRules {
    const { allowInsecureRedirectUris: allowInsecure } = this.settings;
    const { dto, grants, proofs, values } = this;
    return { administrator, allowInsecure, before, dto, grants, proofs, values };
  }
}

/** {@link ClientMetadataDto} with the methods that are offered and the members that proofs bring. */
function metadataDto(proofs: OfferedProofs): Type<ClientMetadataDto> {
  class OfferedMetadataDto extends IntersectionType(ClientMetadataDto, ...proofs.members) {}
  IsIn([...proofs.methods])(OfferedMetadataDto.prototype, 'token_endpoint_auth_method');
  return OfferedMetadataDto;
}
