import { Injectable } from '@nestjs/common';
import type { Client } from '../../../domain/clients/client.js';
import { ClientsService } from '../../../domain/clients/clients.service.js';
import type { SignedInSession } from '../../../domain/sessions/session.js';
import { HintVerifier } from '../../../domain/tokens/hint-verifier.js';
import type { EndSessionRequestDto } from './dto/end-session.dto.js';
import { hintOf, toEndSessionRequest, type EndSessionRequest } from './end-session.mapper.js';

/** An end-session request whose every part has been checked, and the client that a hint proves. */
export interface VerifiedRequest {
  readonly request: EndSessionRequest;
  readonly client: Client | undefined;
  /** The proof is, or is also, an ID token. */
  readonly byIdToken: boolean;
}

/** Verifies end-session requests: the one place where hints are looked at. */
@Injectable()
export class EndSessionRequests {
  constructor(
    private readonly hints: HintVerifier,
    private readonly clients: ClientsService,
  ) {}

  /**
   * The request with only its good parts. A hint that fails is used for nothing, and is no error: the person is asked
   * (RP-Initiated Logout 1.0 §4).
   * @param session of this browser
   */
  async verify(parameters: EndSessionRequestDto, session: SignedInSession | undefined): Promise<VerifiedRequest> {
    const { id_token_hint: idToken, access_token_hint: accessToken } = parameters;
    const hint = hintOf(parameters, {
      idToken: idToken === undefined ? undefined : ((await this.hints.idTokenHint(idToken)) ?? 'invalid'),
      accessToken: accessToken === undefined ? undefined : await this.hints.accessTokenHint(accessToken),
    });
    const clientId = typeof hint === 'object' ? hint.clientId : parameters.client_id;
    const named = clientId === undefined ? undefined : await this.clients.find(clientId);
    const request = toEndSessionRequest(parameters, hint, named, session);
    return { request, client: request.clientId === undefined ? undefined : named, byIdToken: idToken !== undefined };
  }
}
