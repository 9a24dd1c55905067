import {
  Body,
  Controller,
  Delete,
  Get,
  Header,
  Headers,
  HttpCode,
  Inject,
  Ip,
  Param,
  Post,
  Put,
  UseFilters,
} from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiBody,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import {
  clientInformation,
  registeredClientInformation,
  type ClientInformation,
} from '../../domain/clients/client.presenter.js';
import { ClientRegistrationService, newClientId } from '../../domain/clients/client-registration.service.js';
import { ClientsService } from '../../domain/clients/clients.service.js';
import { ClientMetadataDto } from '../../domain/clients/dto/client-metadata.dto.js';
import { SETTINGS, type Settings } from '../../platform/config/settings.js';
import { ApiJsonErrors } from '../kit/api-errors.js';
import { bearerToken } from '../kit/bearer.js';
import { JsonErrorFilter } from '../kit/json-error.filter.js';
import { ReadsItsOwnParameters } from '../kit/request.guard.js';
import { LogoutService } from '../../domain/logout/command/logout.service.js';
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
import { ChangeRecord, clientChange, type Actor } from '../../domain/lifecycle/change-record.js';
import { ClientChanges } from '../../domain/lifecycle/client-changes.service.js';
import { RegisteredClientDto } from '../admin/dto/registration.dto.js';
import { ServerTokens } from '../kit/server-tokens.js';

type Metadata = Readonly<Record<string, unknown>>;
/** RFC 7592 §2.2: these must not come back in an update. */
const SERVER_MEMBERS = [
  'registration_access_token',
  'registration_client_uri',
  'client_secret_expires_at',
  'client_id_issued_at',
];

/** Dynamic client registration (RFC 7591) and management by the client itself (RFC 7592). */
@ApiTags('Registration')
@Controller('register')
@UseFilters(JsonErrorFilter)
export class RegistrationController {
  private readonly initialAccessTokenHash: Buffer | null;
  private readonly registrations: AddressLimiter;

  constructor(
    private readonly clients: ClientsService,
    private readonly registration: ClientRegistrationService,
    private readonly changes: ClientChanges,
    private readonly logoutService: LogoutService,
    private readonly record: ChangeRecord,
    private readonly tokens: ServerTokens,
    limits: RateLimits,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {
    this.registrations = limits.addressLimiter('registration', settings.registrationPerMinute, 60);
    this.initialAccessTokenHash =
      settings.initialAccessToken === undefined ? null : sha256(settings.initialAccessToken);
  }

  @Post()
  @ReadsItsOwnParameters()
  @HttpCode(201)
  @Header('Cache-Control', 'no-store')
  @Header('Pragma', 'no-cache')
  @ApiBearerAuth('registration')
  @ApiOperation({
    summary: 'Register a client',
    description:
      'RFC 7591. Unless `EXEUNT_REGISTRATION=open` it needs the initial access token, or a token with scope `exeunt:admin` or `exeunt:register`.',
  })
  @ApiBody({ type: ClientMetadataDto })
  @ApiCreatedResponse({
    type: RegisteredClientDto,
    description: 'Everything that was registered, defaults included. Secrets are shown once.',
  })
  @ApiJsonErrors(400, 401, 403, 404, 429)
  async register(
    @Body() body: Metadata,
    @Headers('authorization') authorization: string | undefined,
    @Ip() address: string,
  ): Promise<ClientInformation> {
    await this.count(address);
    await this.mayRegister(authorization);
    // No other actor is known: the client registers itself.
    const clientId = newClientId();
    const registered = await this.record.of(
      byClient(clientId, address),
      clientChange('registered', clientId),
      (record) => this.registration.register(body, { administrator: false, clientId, alongside: record }),
    );
    return {
      ...registeredClientInformation(registered),
      registration_access_token: registered.registrationAccessToken,
      registration_client_uri: this.registrationUri(registered.client.clientId),
    };
  }

  @Get(':client_id')
  @HttpCode(200)
  @Header('Cache-Control', 'no-store')
  @ApiBearerAuth('registration')
  @ApiOperation({ summary: 'Read the registration', description: 'RFC 7592 §2.1, with the registration access token.' })
  @ApiOkResponse({ type: RegisteredClientDto })
  @ApiJsonErrors(401)
  async read(
    @Param('client_id') clientId: string,
    @Headers('authorization') authorization: string | undefined,
  ): Promise<ClientInformation> {
    const token = await this.ownToken(clientId, authorization);
    return {
      ...clientInformation(await this.clients.get(clientId)),
      registration_access_token: token,
      registration_client_uri: this.registrationUri(clientId),
    };
  }

  @Put(':client_id')
  @ReadsItsOwnParameters()
  @HttpCode(200)
  @Header('Cache-Control', 'no-store')
  @ApiBearerAuth('registration')
  @ApiOperation({
    summary: 'Replace the registration',
    description:
      'RFC 7592 §2.2: all metadata and `client_id`. What is given up is taken from all that the client has. A client that is no longer the one that an administrator looked at loses what they had set for it, such as `skip_consent`.',
  })
  @ApiBody({ type: ClientMetadataDto })
  @ApiOkResponse({ type: RegisteredClientDto })
  @ApiJsonErrors(400, 401, 409)
  async replace(
    @Param('client_id') clientId: string,
    @Body() body: Metadata,
    @Headers('authorization') authorization: string | undefined,
    @Ip() address: string,
  ): Promise<ClientInformation> {
    const token = await this.ownToken(clientId, authorization);
    await this.checkUpdate(clientId, body);
    const replaced = await this.record.of(byClient(clientId, address), clientChange('changed', clientId), (alongside) =>
      this.changes.replace(clientId, body, {
        administrator: false,
        initiator: { kind: 'client', clientId },
        alongside,
      }),
    );
    return {
      ...registeredClientInformation(replaced),
      registration_access_token: token,
      registration_client_uri: this.registrationUri(clientId),
    };
  }

  @Delete(':client_id')
  @HttpCode(204)
  @Header('Cache-Control', 'no-store')
  @ApiBearerAuth('registration')
  @ApiOperation({
    summary: 'Delete the registration',
    description: 'RFC 7592 §2.3. All grants of the client end with it.',
  })
  @ApiNoContentResponse({ description: 'Gone.' })
  @ApiJsonErrors(401, 409)
  async delete(
    @Param('client_id') clientId: string,
    @Headers('authorization') authorization: string | undefined,
    @Ip() address: string,
  ): Promise<void> {
    await this.ownToken(clientId, authorization);
    await this.record.of(byClient(clientId, address), clientChange('deleted', clientId), (record) =>
      this.logoutService.logout(
        { target: { kind: 'client', clientId }, cause: 'client_deleted', initiator: { kind: 'client', clientId } },
        {
          after: async (tx) => {
            await this.registration.delete(tx, clientId);
            await record(tx);
          },
        },
      ),
    );
    this.clients.forget(clientId);
  }

  /** Before anything else: a guess at the initial access token costs as much as a registration. */
  private async count(address: string): Promise<void> {
    const retryAfterSeconds = await this.registrations.consume(address);
    if (retryAfterSeconds !== undefined)
      throw new TooManyRequestsError('Too many registrations came from your network.', retryAfterSeconds);
  }

  private async mayRegister(authorization: string | undefined): Promise<void> {
    if (this.settings.registration === 'off') throw new NotFoundError('Registration is switched off.');
    const token = bearerToken(authorization);
    if (token === undefined) {
      if (this.settings.registration === 'open') return;
      throw new MissingTokenError('An initial access token is required.');
    }
    if (matchesHash(token, this.initialAccessTokenHash)) return;
    await this.tokens.verify(token, [REGISTRATION_SCOPE, ADMIN_SCOPE]);
  }

  /** RFC 7592 §2.1: an unknown or deleted client is 401, not 404. */
  private async ownToken(clientId: string, authorization: string | undefined): Promise<string> {
    const token = bearerToken(authorization);
    if (token === undefined) throw new MissingTokenError('The registration access token is required.');
    if (!(await this.clients.isRegistrationToken(clientId, token)))
      throw new InvalidTokenError('The registration access token is not valid.');
    return token;
  }

  private async checkUpdate(clientId: string, body: Metadata): Promise<void> {
    if (body?.client_id !== clientId)
      throw new InvalidClientMetadataError('client_id must be the one that is registered.');
    const forbidden = SERVER_MEMBERS.find((name) => body[name] !== undefined);
    if (forbidden !== undefined) throw new InvalidClientMetadataError(`${forbidden} must not be sent.`);
    const { client_secret: secret } = body;
    if (secret !== undefined && (typeof secret !== 'string' || !(await this.clients.isSecret(clientId, secret)))) {
      throw new InvalidClientMetadataError('client_secret must be the one that is registered.');
    }
  }

  private registrationUri(clientId: string): string {
    return `${this.settings.issuer}/register/${encodeURIComponent(clientId)}`;
  }
}

/** The client itself, by its registration access token. */
function byClient(clientId: string, address: string): Actor {
  return { by: 'client', clientId, address };
}
