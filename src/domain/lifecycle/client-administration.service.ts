import { Injectable } from '@nestjs/common';
import type { ClientDocument, RegisteredClient } from '../clients/client.js';
import { asksForCheck, checkSameClientId, chosenClientId, chosenSecret } from '../clients/operator-document.js';
import { RegistrationPolicy } from '../clients/registration-policy.js';
import { EndpointDoctor } from '../logout/insight/endpoint-doctor.js';
import type { EndpointReport } from '../logout/insight/endpoint-examiner.js';
import type { Actor } from './change-record.js';
import { ClientChanges } from './client-changes.service.js';

/** A client that an operator registered, and what came of the check that they asked for. */
export interface CreatedClient {
  readonly registered: RegisteredClient;
  readonly check: EndpointReport | undefined;
}

/** Clients by the documents that operators send: a member that is not known is refused, as it is most likely misspelt. */
@Injectable()
export class ClientAdministration {
  constructor(
    private readonly changes: ClientChanges,
    private readonly policy: RegistrationPolicy,
    private readonly doctor: EndpointDoctor,
  ) {}

  /** @throws InvalidRedirectUriError, InvalidClientMetadataError, ConflictError when the id is taken */
  async create(document: ClientDocument, operator: Actor): Promise<CreatedClient> {
    this.policy.refuseUnknownMembers(document);
    const wantsCheck = asksForCheck(document);
    const chosen = { clientId: chosenClientId(document), clientSecret: chosenSecret(document) };
    const registered = await this.changes.create(document, chosen, operator);
    const check = wantsCheck ? await this.doctor.firstCheck(registered.client, operator.clientId) : undefined;
    return { registered, check };
  }

  /** What is left out goes back to its default; the secret stays. @throws as `ClientChanges.replace` */
  async replace(clientId: string, document: ClientDocument, operator: Actor): Promise<RegisteredClient> {
    return this.changes.replace(clientId, document, this.secretOf(clientId, document), operator);
  }

  /** JSON merge patch (RFC 7396). @throws as `ClientChanges.patch` */
  async patch(clientId: string, document: ClientDocument, operator: Actor): Promise<RegisteredClient> {
    return this.changes.patch(clientId, document, this.secretOf(clientId, document), operator);
  }

  /** @throws InvalidRequestError, InvalidClientMetadataError for what cannot be a change of this client */
  private secretOf(clientId: string, document: ClientDocument): string | undefined {
    checkSameClientId(clientId, document);
    this.policy.refuseUnknownMembers(document);
    return chosenSecret(document);
  }
}
