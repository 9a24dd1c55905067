import { Body, Delete, Get, HttpCode, Inject, Param, Patch, Post } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiOperation } from '@nestjs/swagger';
import { UpstreamChanges } from '../../domain/lifecycle/upstream-changes.service.js';
import { SETTINGS, type Settings } from '../../platform/config/settings.js';
import { Endpoints } from '../../platform/oidc/endpoints.js';
import { AdminController } from '../kit/admin-controller.js';
import { ApiJsonErrors } from '../kit/api-errors.js';
import type { Upstream } from '../../domain/upstreams/upstream.js';
import { UpstreamsService } from '../../domain/upstreams/upstreams.service.js';
import { Operator } from '../kit/admin.guard.js';
import type { Actor } from '../../domain/lifecycle/change-record.js';
import { CreateUpstreamDto, UpdateUpstreamDto, UpstreamDto, UpstreamListDto } from './dto/upstreams.dto.js';

/** Other OpenID Providers that people may sign in with, for operators. */
@AdminController('upstreams', 'upstreams')
export class AdminUpstreamsController {
  constructor(
    private readonly upstreams: UpstreamsService,
    private readonly changes: UpstreamChanges,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  @Post()
  @HttpCode(201)
  @ApiOperation({
    summary: 'Register an upstream provider',
    description:
      'Nothing is asked of it yet: a provider that is down can be registered. The answer holds the three addresses to register there.',
  })
  @ApiCreatedResponse({ type: UpstreamDto })
  @ApiJsonErrors(400, 409)
  async create(@Body() body: CreateUpstreamDto, @Operator() operator: Actor): Promise<UpstreamDto> {
    return this.toDto(await this.changes.register(body, operator));
  }

  @Get()
  @HttpCode(200)
  @ApiOperation({ summary: 'List upstream providers', description: 'By name, all of them.' })
  @ApiOkResponse({ type: UpstreamListDto })
  async list(): Promise<UpstreamListDto> {
    return { items: (await this.upstreams.list()).map((upstream) => this.toDto(upstream)) };
  }

  @Get(':name')
  @HttpCode(200)
  @ApiOperation({ summary: 'Read an upstream provider' })
  @ApiOkResponse({ type: UpstreamDto })
  @ApiJsonErrors(404)
  async read(@Param('name') name: string): Promise<UpstreamDto> {
    return this.toDto(await this.upstreams.get(name));
  }

  @Patch(':name')
  @HttpCode(200)
  @ApiOperation({ summary: 'Change an upstream provider', description: 'What is left out stays, the secret too.' })
  @ApiOkResponse({ type: UpstreamDto })
  @ApiJsonErrors(400, 404, 409)
  async update(
    @Param('name') name: string,
    @Body() body: UpdateUpstreamDto,
    @Operator() operator: Actor,
  ): Promise<UpstreamDto> {
    return this.toDto(await this.changes.update(name, body, operator));
  }

  @Delete(':name')
  @HttpCode(204)
  @ApiOperation({
    summary: 'Delete an upstream provider',
    description:
      'Ends the sessions that people began by it, and tells the applications in them. What they allowed for when they are away ends too. Accounts stay.',
  })
  @ApiNoContentResponse({ description: 'Gone, and no session that began by it is alive.' })
  @ApiJsonErrors(404, 409)
  async delete(@Param('name') name: string, @Operator() operator: Actor): Promise<void> {
    await this.changes.delete(name, operator);
  }

  private toDto(upstream: Upstream): UpstreamDto {
    const endpoints = new Endpoints(this.settings.issuer);
    return {
      name: upstream.name,
      display_name: upstream.displayName,
      issuer: upstream.issuer,
      client_id: upstream.clientId,
      has_secret: upstream.hasSecret,
      token_endpoint_auth_method: upstream.tokenEndpointAuthMethod,
      redirect_uri: upstream.redirectUri ?? null,
      post_logout_redirect_uri: upstream.postLogoutRedirectUri ?? null,
      scope: upstream.scope.join(' '),
      claim_mapping: upstream.claimMapping,
      id_token_signed_response_alg: upstream.idTokenSignedResponseAlg,
      creates_accounts: upstream.createsAccounts,
      enabled: upstream.enabled,
      clients: upstream.clients ?? null,
      dialects: upstream.dialects,
      peer_client_id: upstream.peerClientId ?? null,
      trust_email: upstream.trustsEmail,
      trusted_email_domains: upstream.trustedEmailDomains ?? null,
      trust_phone_number: upstream.trustsPhoneNumber,
      requires_logout_token_exp: upstream.requiresLogoutTokenExp,
      callback_uri: endpoints.upstreamCallback(upstream.name),
      signed_out_uri: endpoints.upstreamSignedOut(upstream.name),
      backchannel_logout_uri: endpoints.url('backchannelLogout'),
      created_at: upstream.createdAt.toISOString(),
      updated_at: upstream.updatedAt.toISOString(),
    };
  }
}
