import {
  Body,
  Controller,
  Delete,
  Get,
  Header,
  HttpCode,
  Param,
  Patch,
  Post,
  Put,
  Query,
  UseFilters,
  UseGuards,
  UsePipes,
} from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiBody,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiQuery,
  ApiTags,
} from '@nestjs/swagger';
import {
  clientInformation,
  registeredClientInformation,
  type ClientInformation,
} from '../../domain/clients/client.presenter.js';
import { ClientRegistrationService } from '../../domain/clients/client-registration.service.js';
import { ClientsService } from '../../domain/clients/clients.service.js';
import { refuseUnknownMembers } from '../../domain/clients/client-members.js';
import { ApiJsonErrors } from '../kit/api-errors.js';
import { JsonErrorFilter } from '../kit/json-error.filter.js';
import { StrictJsonPipe } from '../kit/parameters.pipe.js';
import { ReadsItsOwnParameters } from '../kit/request.guard.js';
import { EndpointDoctor } from '../../domain/logout/insight/endpoint-doctor.js';
import { LogoutService } from '../../domain/logout/command/logout.service.js';
import { InvalidClientMetadataError, InvalidRequestError } from '../../platform/oidc/errors.js';
import { AdminGuard, Operator } from '../kit/admin.guard.js';
import { ChangeRecord, clientChange, type Actor } from '../../domain/lifecycle/change-record.js';
import { ClientChanges } from '../../domain/lifecycle/client-changes.service.js';
import { toLogoutCheckDto } from './delivery.presenters.js';
import {
  ChangeClientDto,
  ClientDto,
  ClientListDto,
  ClientSecretDto,
  CreateClientDto,
  CreatedClientDto,
  PostLogoutRedirectUriDto,
  PostLogoutRedirectUrisDto,
} from './dto/clients.dto.js';
import { SearchQueryDto } from './dto/common.dto.js';

type Metadata = Readonly<Record<string, unknown>>;

/** The registry, for operators. The rules for metadata are those of `/register` (RFC 7591 §2). */
@ApiTags('Admin: clients')
@ApiBearerAuth('admin')
@Controller('admin/v1/clients')
@UseGuards(AdminGuard)
@UseFilters(JsonErrorFilter)
@ApiJsonErrors(401, 403)
export class AdminClientsController {
  constructor(
    private readonly clients: ClientsService,
    private readonly registration: ClientRegistrationService,
    private readonly changes: ClientChanges,
    private readonly record: ChangeRecord,
    private readonly logoutService: LogoutService,
    private readonly doctor: EndpointDoctor,
  ) {}

  @Post()
  @ReadsItsOwnParameters()
  @HttpCode(201)
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'Register a client', description: 'The answer holds the secret, once.' })
  @ApiBody({
    type: CreateClientDto,
    examples: {
      web: {
        summary: 'A web application that hears of logouts',
        value: {
          client_name: 'Ledger',
          redirect_uris: ['https://ledger.example.com/callback'],
          post_logout_redirect_uris: ['https://ledger.example.com/signed-out'],
          backchannel_logout_uri: 'https://ledger.example.com/backchannel-logout',
          grant_types: ['authorization_code', 'refresh_token'],
        },
      },
      service: {
        summary: 'A service of its own',
        value: { client_name: 'Reports', grant_types: ['client_credentials'], scope: 'reports:read' },
      },
    },
  })
  @ApiCreatedResponse({ type: CreatedClientDto })
  @ApiJsonErrors(400, 409)
  async create(@Body() body: Metadata, @Operator() operator: Actor): Promise<ClientInformation> {
    refuseUnknownMembers(body);
    const wantsCheck = asksForCheck(body);
    const change = { event: 'client_changed', change: 'created', subject: {} } as const;
    const registered = await this.record.of(operator, change, (alongside) =>
      this.registration.register(body, {
        administrator: true,
        clientId: chosenClientId(body),
        clientSecret: chosenSecret(body),
        alongside,
      }),
    );
    const information = registeredClientInformation(registered);
    if (!wantsCheck) return information;
    return {
      ...information,
      logout_check: toLogoutCheckDto(await this.doctor.firstCheck(registered.client, operator.clientId)),
    };
  }

  @Get()
  @HttpCode(200)
  @UsePipes(StrictJsonPipe)
  @ApiOperation({
    summary: 'List clients',
    description: 'Newest first. `search` finds the beginning of an id or a part of a name.',
  })
  @ApiOkResponse({ type: ClientListDto })
  @ApiJsonErrors(400)
  async list(@Query() query: SearchQueryDto): Promise<object> {
    const page = await this.clients.list(query);
    return {
      items: page.items.map(clientInformation),
      ...(page.nextCursor === undefined ? {} : { next_cursor: page.nextCursor }),
    };
  }

  @Get(':client_id')
  @HttpCode(200)
  @ApiOperation({ summary: 'Read a client' })
  @ApiOkResponse({ type: ClientDto })
  @ApiJsonErrors(404)
  async read(@Param('client_id') clientId: string): Promise<ClientInformation> {
    return clientInformation(await this.clients.get(clientId));
  }

  @Put(':client_id')
  @ReadsItsOwnParameters()
  @HttpCode(200)
  @Header('Cache-Control', 'no-store')
  @ApiOperation({
    summary: 'Replace a client’s metadata',
    description:
      'What is left out goes back to its default. The secret stays. What is taken from the client is taken from all that it has: scopes from its grants, the grants themselves with the code flow or `offline_access`, tokens of its own from before. The last client that can administer the service keeps that.',
  })
  @ApiBody({ type: ChangeClientDto })
  @ApiOkResponse({ type: ClientDto })
  @ApiJsonErrors(400, 404, 409)
  async replace(
    @Param('client_id') clientId: string,
    @Body() body: Metadata,
    @Operator() operator: Actor,
  ): Promise<ClientInformation> {
    checkSameClientId(clientId, body);
    refuseUnknownMembers(body);
    return registeredClientInformation(
      await this.record.of(operator, clientChange('changed', clientId), (alongside) =>
        this.changes.replace(clientId, body, {
          administrator: true,
          clientSecret: chosenSecret(body),
          initiator: { kind: 'operator', clientId: operator.clientId },
          alongside,
        }),
      ),
    );
  }

  @Patch(':client_id')
  @ReadsItsOwnParameters()
  @HttpCode(200)
  @Header('Cache-Control', 'no-store')
  @ApiOperation({
    summary: 'Change some of a client’s metadata',
    description:
      'JSON merge patch (RFC 7396): `null` removes a member. What is taken from the client is taken from all that it has, as by PUT.',
  })
  @ApiBody({ type: ChangeClientDto })
  @ApiOkResponse({ type: ClientDto })
  @ApiJsonErrors(400, 404, 409)
  async patch(
    @Param('client_id') clientId: string,
    @Body() body: Metadata,
    @Operator() operator: Actor,
  ): Promise<ClientInformation> {
    checkSameClientId(clientId, body);
    refuseUnknownMembers(body);
    return registeredClientInformation(
      await this.record.of(operator, clientChange('changed', clientId), (alongside) =>
        this.changes.patch(clientId, body, {
          clientSecret: chosenSecret(body),
          initiator: { kind: 'operator', clientId: operator.clientId },
          alongside,
        }),
      ),
    );
  }

  @Delete(':client_id')
  @HttpCode(204)
  @ApiOperation({
    summary: 'Delete a client',
    description: 'Ends its grants with it and tells it about each session that it took part in.',
  })
  @ApiNoContentResponse({ description: 'Gone: no token of it is good any more.' })
  @ApiJsonErrors(404, 409)
  async delete(@Param('client_id') clientId: string, @Operator() operator: Actor): Promise<void> {
    await this.clients.get(clientId);
    await this.record.of(operator, clientChange('deleted', clientId), (record) =>
      this.logoutService.logout(
        {
          target: { kind: 'client', clientId },
          cause: 'client_deleted',
          initiator: { kind: 'operator', clientId: operator.clientId },
        },
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

  @Post(':client_id/secret')
  @HttpCode(200)
  @Header('Cache-Control', 'no-store')
  @ApiOperation({
    summary: 'Rotate a client’s secret',
    description: 'The answer holds the new one, once; the one before stops working.',
  })
  @ApiOkResponse({ type: ClientSecretDto })
  @ApiJsonErrors(404, 409)
  async rotateSecret(@Param('client_id') clientId: string, @Operator() operator: Actor): Promise<ClientSecretDto> {
    const { clientSecret = '' } = await this.record.of(
      operator,
      clientChange('secret_rotated', clientId),
      (alongside) => this.registration.rotateSecret(clientId, alongside),
    );
    return { client_id: clientId, client_secret: clientSecret, client_secret_expires_at: 0 };
  }

  @Get(':client_id/post_logout_redirect_uris')
  @HttpCode(200)
  @ApiOperation({ summary: 'Where a browser may go after logout' })
  @ApiOkResponse({ type: PostLogoutRedirectUrisDto })
  @ApiJsonErrors(404)
  async listPostLogoutRedirectUris(@Param('client_id') clientId: string): Promise<PostLogoutRedirectUrisDto> {
    return { post_logout_redirect_uris: (await this.clients.get(clientId)).metadata.post_logout_redirect_uris };
  }

  @Post(':client_id/post_logout_redirect_uris')
  @HttpCode(201)
  @UsePipes(StrictJsonPipe)
  @ApiOperation({
    summary: 'Add one post-logout redirect URI',
    description: 'Adding one that is there changes nothing.',
  })
  @ApiCreatedResponse({ type: PostLogoutRedirectUrisDto })
  @ApiJsonErrors(400, 404)
  async addPostLogoutRedirectUri(
    @Param('client_id') clientId: string,
    @Body() body: PostLogoutRedirectUriDto,
    @Operator() operator: Actor,
  ): Promise<PostLogoutRedirectUrisDto> {
    const uris = await this.record.of(operator, clientChange('changed', clientId), (alongside) =>
      this.registration.addPostLogoutRedirectUri(clientId, body.uri, alongside),
    );
    return { post_logout_redirect_uris: uris };
  }

  @Delete(':client_id/post_logout_redirect_uris')
  @HttpCode(204)
  @UsePipes(StrictJsonPipe)
  @ApiOperation({ summary: 'Remove one post-logout redirect URI' })
  @ApiQuery({
    name: 'uri',
    description: 'Percent-encoded, as registered.',
    example: 'https://ledger.example.com/signed-out',
  })
  @ApiNoContentResponse({ description: 'No browser is sent there any more.' })
  @ApiJsonErrors(400, 404)
  async removePostLogoutRedirectUri(
    @Param('client_id') clientId: string,
    @Query() query: PostLogoutRedirectUriDto,
    @Operator() operator: Actor,
  ): Promise<void> {
    await this.record.of(operator, clientChange('changed', clientId), (alongside) =>
      this.registration.removePostLogoutRedirectUri(clientId, query.uri, alongside),
    );
  }
}

/** A client id that an administrator chose. Never one that could be taken for a person's `sub` (RFC 9700 §4.15). */
function chosenClientId(body: Metadata): string | undefined {
  const clientId = body?.client_id;
  if (clientId === undefined || clientId === null) return undefined;
  if (typeof clientId !== 'string' || !/^[A-Za-z0-9._~-]{3,100}$/.test(clientId) || /^[0-9a-f-]{36}$/i.test(clientId)) {
    throw new InvalidClientMetadataError('client_id must be 3 to 100 characters of A-Z a-z 0-9 . _ ~ - and no UUID.');
  }
  return clientId;
}

/** A secret that an administrator brings, for an application that has one built in. Generated ones have 43 characters. */
function chosenSecret(body: Metadata): string | undefined {
  const secret = body?.client_secret ?? undefined;
  if (secret === undefined) return undefined;
  // RFC 6749 Appendix A.2: what a secret may consist of.
  if (typeof secret !== 'string' || !/^[\x20-\x7e]{16,255}$/.test(secret))
    throw new InvalidClientMetadataError('client_secret must be 16 to 255 printable ASCII characters.');
  return secret;
}

function asksForCheck(body: Metadata): boolean {
  const wanted = body?.logout_check ?? false;
  if (typeof wanted !== 'boolean') throw new InvalidClientMetadataError('logout_check must be a boolean.');
  return wanted;
}

function checkSameClientId(clientId: string, body: Metadata): void {
  if (body?.client_id !== undefined && body.client_id !== clientId)
    throw new InvalidRequestError('client_id cannot be changed.');
}
