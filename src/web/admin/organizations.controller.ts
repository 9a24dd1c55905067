import { Body, Delete, Get, HttpCode, Param, Patch, Post } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiOperation } from '@nestjs/swagger';
import { OrganizationChanges } from '../../domain/lifecycle/organization-changes.service.js';
import { AdminController } from '../kit/admin-controller.js';
import { ApiJsonErrors } from '../kit/api-errors.js';
import { OrganizationsService, type Organization } from '../../domain/upstreams/organizations.service.js';
import { Operator } from '../kit/admin.guard.js';
import type { Actor } from '../../domain/lifecycle/change-record.js';
import {
  CreateOrganizationDto,
  OrganizationDto,
  OrganizationListDto,
  UpdateOrganizationDto,
} from './dto/upstreams.dto.js';

/** Which provider the people of an organization sign in with, for the VMware CSP API. */
@AdminController('organizations', 'upstreams')
export class AdminOrganizationsController {
  constructor(
    private readonly organizations: OrganizationsService,
    private readonly changes: OrganizationChanges,
  ) {}

  @Post()
  @HttpCode(201)
  @ApiOperation({ summary: 'Register an organization' })
  @ApiCreatedResponse({ type: OrganizationDto })
  @ApiJsonErrors(400, 409)
  async create(@Body() body: CreateOrganizationDto, @Operator() operator: Actor): Promise<OrganizationDto> {
    return toDto(await this.changes.create(body, operator));
  }

  @Get()
  @HttpCode(200)
  @ApiOperation({ summary: 'List organizations', description: 'By id, all of them.' })
  @ApiOkResponse({ type: OrganizationListDto })
  async list(): Promise<OrganizationListDto> {
    return { items: (await this.organizations.list()).map(toDto) };
  }

  @Get(':id')
  @HttpCode(200)
  @ApiOperation({ summary: 'Read an organization' })
  @ApiOkResponse({ type: OrganizationDto })
  @ApiJsonErrors(404)
  async read(@Param('id') id: string): Promise<OrganizationDto> {
    return toDto(await this.organizations.get(id));
  }

  @Patch(':id')
  @HttpCode(200)
  @ApiOperation({ summary: 'Change an organization', description: 'What is left out stays.' })
  @ApiOkResponse({ type: OrganizationDto })
  @ApiJsonErrors(400, 404)
  async update(
    @Param('id') id: string,
    @Body() body: UpdateOrganizationDto,
    @Operator() operator: Actor,
  ): Promise<OrganizationDto> {
    return toDto(await this.changes.update(id, body, operator));
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({ summary: 'Delete an organization' })
  @ApiNoContentResponse({ description: 'Gone. Sessions are not touched.' })
  @ApiJsonErrors(404)
  async delete(@Param('id') id: string, @Operator() operator: Actor): Promise<void> {
    await this.changes.delete(id, operator);
  }
}

function toDto(organization: Organization): OrganizationDto {
  return {
    id: organization.id,
    name: organization.name,
    upstream: organization.upstream ?? null,
    default: organization.isDefault,
  };
}
