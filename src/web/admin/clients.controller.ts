import { Body, Delete, Get, Header, HttpCode, Param, Patch, Post, Put, Query, UsePipes } from '@nestjs/common';
import {
  ApiBody,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiQuery,
} from '@nestjs/swagger';
import type { ClientDocument } from '../../domain/clients/client.js';
import { ClientAdministration } from '../../domain/lifecycle/client-administration.service.js';
import { toListDto } from './presenters.js';
import { AdminController } from '../kit/admin-controller.js';
import {
  clientInformation,
  registeredClientInformation,
  type ClientInformation,
} from '../../domain/clients/client.presenter.js';
import { ClientsService } from '../../domain/clients/clients.service.js';
import { ApiJsonErrors } from '../kit/api-errors.js';
import { StrictJsonPipe } from '../kit/parameters.pipe.js';
import { ReadsItsOwnParameters } from '../kit/request.guard.js';
import { Operator } from '../kit/admin.guard.js';
import { type Actor } from '../../domain/lifecycle/change-record.js';
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

/** The registry, for operators. The rules for metadata are those of `/register` (RFC 7591 §2). */
@AdminController('clients', 'clients')
export class AdminClientsController {
  constructor(
    private readonly clients: ClientsService,
    private readonly administration: ClientAdministration,
    private readonly changes: ClientChanges,
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
        summary: 'A web application that is notified of logouts',
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
  async create(@Body() body: ClientDocument, @Operator() operator: Actor): Promise<ClientInformation> {
    const { registered, check } = await this.administration.create(body, operator);
    return {
      ...registeredClientInformation(registered),
      ...(check === undefined ? {} : { logout_check: toLogoutCheckDto(check) }),
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
    return toListDto(await this.clients.list(query), clientInformation);
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
    @Body() body: ClientDocument,
    @Operator() operator: Actor,
  ): Promise<ClientInformation> {
    return registeredClientInformation(await this.administration.replace(clientId, body, operator));
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
    @Body() body: ClientDocument,
    @Operator() operator: Actor,
  ): Promise<ClientInformation> {
    return registeredClientInformation(await this.administration.patch(clientId, body, operator));
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
    await this.changes.delete(clientId, operator);
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
    const { clientSecret = '' } = await this.changes.rotateSecret(clientId, operator);
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
    return { post_logout_redirect_uris: await this.changes.addPostLogoutRedirectUri(clientId, body.uri, operator) };
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
    await this.changes.removePostLogoutRedirectUri(clientId, query.uri, operator);
  }
}
