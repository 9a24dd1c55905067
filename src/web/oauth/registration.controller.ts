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
import type { ClientDocument } from '../../domain/clients/client.js';
import { SelfRegistration } from '../../domain/lifecycle/self-registration.service.js';
import {
  clientInformation,
  registeredClientInformation,
  type ClientInformation,
} from '../../domain/clients/client.presenter.js';
import { ClientMetadataDto } from '../../domain/clients/dto/client-metadata.dto.js';
import { SETTINGS, type Settings } from '../../platform/config/settings.js';
import { Endpoints, PATHS } from '../../platform/oidc/endpoints.js';
import { ApiJsonErrors } from '../kit/api-errors.js';
import { bearerToken } from '../kit/bearer.js';
import { JsonErrorFilter } from '../kit/json-error.filter.js';
import { ReadsItsOwnParameters } from '../kit/request.guard.js';
import { RegisteredClientDto } from './dto/registration.dto.js';

/** Dynamic client registration (RFC 7591) and management by the client itself (RFC 7592). */
@ApiTags('Registration')
@Controller(PATHS.registration)
@UseFilters(JsonErrorFilter)
export class RegistrationController {
  constructor(
    private readonly registration: SelfRegistration,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

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
    @Body() body: ClientDocument,
    @Headers('authorization') authorization: string | undefined,
    @Ip() address: string,
  ): Promise<ClientInformation> {
    const registered = await this.registration.register(body, { token: bearerToken(authorization), address });
    return this.managed(registeredClientInformation(registered), registered.registrationAccessToken);
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
    const token = bearerToken(authorization);
    return this.managed(clientInformation(await this.registration.read(clientId, token)), token);
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
    @Body() body: ClientDocument,
    @Headers('authorization') authorization: string | undefined,
    @Ip() address: string,
  ): Promise<ClientInformation> {
    const token = bearerToken(authorization);
    const replaced = await this.registration.replace(clientId, body, { token, address });
    return this.managed(registeredClientInformation(replaced), token);
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
    await this.registration.delete(clientId, { token: bearerToken(authorization), address });
  }

  /** With what the client manages its registration by (RFC 7592 §3). */
  private managed(information: ClientInformation, token: string | undefined): ClientInformation {
    return {
      ...information,
      registration_access_token: token,
      registration_client_uri: new Endpoints(this.settings.issuer).registrationOf(information.client_id),
    };
  }
}
