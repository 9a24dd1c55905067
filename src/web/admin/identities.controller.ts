import { Body, Delete, Get, HttpCode, Post, Query } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiOperation } from '@nestjs/swagger';
import { IdentityLinks } from '../../domain/lifecycle/identity-links.service.js';
import { UuidParam } from '../kit/uuid-param.js';
import { AdminController } from '../kit/admin-controller.js';
import { ApiJsonErrors } from '../kit/api-errors.js';
import type { UpstreamIdentity } from '../../domain/upstreams/upstream-identity.js';
import { Operator } from '../kit/admin.guard.js';
import type { Actor } from '../../domain/lifecycle/change-record.js';
import { IdentityDto, IdentityListDto, LinkedIdentityDto } from './dto/upstreams.dto.js';

/** Which people at other providers may use an account, for operators. */
@AdminController('accounts/:id/identities', 'accounts')
export class AdminIdentitiesController {
  constructor(private readonly links: IdentityLinks) {}

  @Get()
  @HttpCode(200)
  @ApiOperation({ summary: 'List an account’s identities at other providers' })
  @ApiOkResponse({ type: IdentityListDto })
  @ApiJsonErrors(404)
  async list(@UuidParam('id', 'account') id: string): Promise<IdentityListDto> {
    return { items: (await this.links.list(id)).map(toDto) };
  }

  @Post()
  @HttpCode(201)
  @ApiOperation({
    summary: 'Link an account to a person at another provider',
    description: 'By issuer and `sub`, never by an e-mail address.',
  })
  @ApiCreatedResponse({ type: LinkedIdentityDto })
  @ApiJsonErrors(400, 404, 409)
  async link(
    @UuidParam('id', 'account') id: string,
    @Body() body: IdentityDto,
    @Operator() operator: Actor,
  ): Promise<LinkedIdentityDto> {
    return toDto(await this.links.link(id, body, operator));
  }

  @Delete()
  @HttpCode(204)
  @ApiOperation({
    summary: 'Unlink an account from a person at another provider',
    description: 'Ends the sessions that this person began by it.',
  })
  @ApiNoContentResponse({ description: 'Unlinked, and signed out.' })
  @ApiJsonErrors(400, 404)
  async unlink(
    @UuidParam('id', 'account') id: string,
    @Query() query: IdentityDto,
    @Operator() operator: Actor,
  ): Promise<void> {
    await this.links.unlink(id, query, operator);
  }
}

function toDto(identity: UpstreamIdentity): LinkedIdentityDto {
  return { issuer: identity.issuer, sub: identity.sub, linked_at: identity.linkedAt.toISOString() };
}
