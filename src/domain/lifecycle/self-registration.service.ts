import { Inject, Injectable } from '@nestjs/common';
import { SETTINGS, type Settings } from '../../platform/config/settings.js';
import { ADMIN_SCOPE, REGISTRATION_SCOPE } from '../../platform/oidc/claims.js';
import {
  InvalidClientMetadataError,
  InvalidTokenError,
  MissingTokenError,
  NotFoundError,
  TooManyRequestsError,
} from '../../platform/oidc/errors.js';
import { matchesHash, sha256 } from '../../platform/oidc/secret.js';
import type { AddressLimiter } from '../../platform/rate-limits/address-limiter.js';
import { RateLimits } from '../../platform/rate-limits/rate-limits.js';
import type { Client, ClientDocument, RegisteredClient } from '../clients/client.js';
import { ClientsService } from '../clients/clients.service.js';
import { ServerTokens } from '../tokens/server-tokens.js';
import { ClientChanges } from './client-changes.service.js';

/** Who asks: the Bearer token of the request, if it had one, and where it came from. */
export interface RegistrationCaller {
  readonly token: string | undefined;
  readonly address: string;
}

/** RFC 7592 §2.2: these must not come back in an update. */
const SERVER_MEMBERS = [
  'registration_access_token',
  'registration_client_uri',
  'client_secret_expires_at',
  'client_id_issued_at',
];

/** Clients that register themselves (RFC 7591) and manage their registration (RFC 7592), and who may. */
@Injectable()
export class SelfRegistration {
  private readonly initialAccessTokenHash: Buffer | null;
  private readonly registrations: AddressLimiter;

  constructor(
    private readonly clients: ClientsService,
    private readonly changes: ClientChanges,
    private readonly tokens: ServerTokens,
    limits: RateLimits,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {
    this.registrations = limits.addressLimiter('registration', settings.registrationPerMinute, 60);
    this.initialAccessTokenHash =
      settings.initialAccessToken === undefined ? null : sha256(settings.initialAccessToken);
  }

  /**
   * @throws TooManyRequestsError, NotFoundError when registration is off, MissingTokenError, InvalidTokenError
   * @throws InvalidRedirectUriError, InvalidClientMetadataError
   */
  async register(document: ClientDocument, caller: RegistrationCaller): Promise<RegisteredClient> {
    await this.count(caller.address);
    await this.mayRegister(caller.token);
    return this.changes.register(document, caller.address);
  }

  /** @throws MissingTokenError, InvalidTokenError unless it is the client's registration access token */
  async read(clientId: string, token: string | undefined): Promise<Client> {
    await this.checkOwnToken(clientId, token);
    return this.clients.get(clientId);
  }

  /** All metadata and `client_id` (RFC 7592 §2.2). @throws as {@link read}, and as `ClientChanges.replace` */
  async replace(clientId: string, document: ClientDocument, caller: RegistrationCaller): Promise<RegisteredClient> {
    await this.checkOwnToken(clientId, caller.token);
    await this.checkUpdate(clientId, document);
    return this.changes.replace(clientId, document, undefined, { by: 'client', clientId, address: caller.address });
  }

  /** @throws as {@link read}, and as `ClientChanges.delete` */
  async delete(clientId: string, { token, address }: RegistrationCaller): Promise<void> {
    await this.checkOwnToken(clientId, token);
    await this.changes.delete(clientId, { by: 'client', clientId, address });
  }

  /** Before anything else: a guess at the initial access token costs as much as a registration. */
  private async count(address: string): Promise<void> {
    const retryAfterSeconds = await this.registrations.consume(address);
    if (retryAfterSeconds !== undefined)
      throw new TooManyRequestsError('Too many registrations came from your network.', retryAfterSeconds);
  }

  private async mayRegister(token: string | undefined): Promise<void> {
    if (this.settings.registration === 'off') throw new NotFoundError('Registration is switched off.');
    if (token === undefined) {
      if (this.settings.registration === 'open') return;
      throw new MissingTokenError('An initial access token is required.');
    }
    if (matchesHash(token, this.initialAccessTokenHash)) return;
    await this.tokens.verify(token, [REGISTRATION_SCOPE, ADMIN_SCOPE]);
  }

  /** RFC 7592 §2.1: an unknown or deleted client is 401, not 404. */
  private async checkOwnToken(clientId: string, token: string | undefined): Promise<void> {
    if (token === undefined) throw new MissingTokenError('The registration access token is required.');
    if (!(await this.clients.isRegistrationToken(clientId, token)))
      throw new InvalidTokenError('The registration access token is not valid.');
  }

  private async checkUpdate(clientId: string, document: ClientDocument): Promise<void> {
    if (document?.client_id !== clientId)
      throw new InvalidClientMetadataError('client_id must be the one that is registered.');
    const forbidden = SERVER_MEMBERS.find((name) => document[name] !== undefined);
    if (forbidden !== undefined) throw new InvalidClientMetadataError(`${forbidden} must not be sent.`);
    const { client_secret: secret } = document;
    if (secret !== undefined && (typeof secret !== 'string' || !(await this.clients.isSecret(clientId, secret)))) {
      throw new InvalidClientMetadataError('client_secret must be the one that is registered.');
    }
  }
}
