import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  Inject,
  Param,
  Patch,
  Post,
  UseFilters,
  UseGuards,
  UsePipes,
} from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import type { AuditDetails } from '../../platform/audit/audit-event.js';
import { SETTINGS, type Settings } from '../../platform/config/settings.js';
import { ApiJsonErrors } from '../kit/api-errors.js';
import { JsonErrorFilter } from '../kit/json-error.filter.js';
import { StrictJsonPipe } from '../kit/parameters.pipe.js';
import { LogoutService } from '../../domain/logout/command/logout.service.js';
import type { Upstream } from '../../domain/upstreams/upstream.js';
import type { CheckedUpstream } from '../../domain/upstreams/upstream-registration.js';
import { UpstreamsService, type UpstreamChanged } from '../../domain/upstreams/upstreams.service.js';
import { AdminGuard, Operator } from '../kit/admin.guard.js';
import {
  ChangeRecord,
  type Actor,
  type Change,
  type RecordChange,
  type Values,
} from '../../domain/lifecycle/change-record.js';
import { CreateUpstreamDto, UpdateUpstreamDto, UpstreamDto, UpstreamListDto } from './dto/upstreams.dto.js';

/** Other OpenID Providers that people may sign in with, for operators. */
@ApiTags('Admin: upstreams')
@ApiBearerAuth('admin')
@Controller('admin/v1/upstreams')
@UseGuards(AdminGuard)
@UseFilters(JsonErrorFilter)
@UsePipes(StrictJsonPipe)
@ApiJsonErrors(401, 403)
export class AdminUpstreamsController {
  constructor(
    private readonly upstreams: UpstreamsService,
    private readonly logoutService: LogoutService,
    private readonly record: ChangeRecord,
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
    return this.toDto(
      await this.record.of(operator, changeOf('registered', body.name), (record) =>
        this.upstreams.register(body, recorded(record)),
      ),
    );
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
    const change = changeOf('changed', name, body.client_secret === undefined ? {} : { client_secret: 'replaced' });
    return this.toDto(
      await this.record.of(operator, change, (record) => this.upstreams.update(name, body, recorded(record))),
    );
  }

  @Delete(':name')
  @HttpCode(204)
  @ApiOperation({
    summary: 'Delete an upstream provider',
    description:
      'Ends the sessions that people began by it, and tells the applications in them. What they allowed for when they are away ends too. Accounts stay.',
  })
  @ApiNoContentResponse({ description: 'Gone, and nobody is signed in by it any more.' })
  @ApiJsonErrors(404, 409)
  async delete(@Param('name') name: string, @Operator() operator: Actor): Promise<void> {
    const upstream = await this.upstreams.get(name);
    await this.record.of(operator, changeOf('deleted', name), (record) =>
      this.logoutService.logout(
        {
          target: { kind: 'upstream', upstreamId: upstream.id },
          cause: 'upstream_deleted',
          initiator: { kind: 'operator', clientId: operator.clientId },
        },
        { before: (tx) => this.upstreams.delete(tx, upstream), after: (tx) => record(tx) },
      ),
    );
    this.upstreams.forget();
  }

  private toDto(upstream: Upstream): UpstreamDto {
    const { issuer } = this.settings;
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
      callback_uri: `${issuer}/upstreams/${upstream.name}/callback`,
      signed_out_uri: `${issuer}/upstreams/${upstream.name}/signed-out`,
      backchannel_logout_uri: `${issuer}/api/v1/auth/oidc/backchannel-logout`,
      created_at: upstream.createdAt.toISOString(),
      updated_at: upstream.updatedAt.toISOString(),
    };
  }
}

function changeOf(change: string, upstream: string, more: AuditDetails = {}): Change {
  return { event: 'upstream_changed', change, subject: { upstream, ...more } };
}

/** The secret is no part of what is compared. */
function recorded(record: RecordChange): UpstreamChanged {
  return (tx, after, before) => record(tx, valuesOf(before), valuesOf(after));
}

function valuesOf(upstream: CheckedUpstream | undefined): Values {
  if (upstream === undefined) return {};
  const { configuration, ...rest } = upstream;
  const values = Object.entries({ ...rest, ...configuration });
  return Object.fromEntries(values.map(([name, value]) => [wireName(name), value]));
}

function wireName(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
