import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
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
import { ApiJsonErrors } from '../kit/api-errors.js';
import { JsonErrorFilter } from '../kit/json-error.filter.js';
import { StrictJsonPipe } from '../kit/parameters.pipe.js';
import { OrganizationsService, type Organization } from '../../domain/upstreams/organizations.service.js';
import { AdminGuard, Operator } from '../kit/admin.guard.js';
import { ChangeRecord, type Actor, type Change } from '../../domain/lifecycle/change-record.js';
import {
  CreateOrganizationDto,
  OrganizationDto,
  OrganizationListDto,
  UpdateOrganizationDto,
} from './dto/upstreams.dto.js';

/** Which provider the people of an organization sign in with, for the VMware CSP API. */
@ApiTags('Admin: upstreams')
@ApiBearerAuth('admin')
@Controller('admin/v1/organizations')
@UseGuards(AdminGuard)
@UseFilters(JsonErrorFilter)
@UsePipes(StrictJsonPipe)
@ApiJsonErrors(401, 403)
export class AdminOrganizationsController {
  constructor(
    private readonly organizations: OrganizationsService,
    private readonly record: ChangeRecord,
  ) {}

  @Post()
  @HttpCode(201)
  @ApiOperation({ summary: 'Register an organization' })
  @ApiCreatedResponse({ type: OrganizationDto })
  @ApiJsonErrors(400, 409)
  async create(@Body() body: CreateOrganizationDto, @Operator() operator: Actor): Promise<OrganizationDto> {
    return toDto(
      await this.record.of(operator, changeOf('created', body.id), (record) => this.organizations.create(body, record)),
    );
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
    return toDto(
      await this.record.of(operator, changeOf('changed', id), (record) => this.organizations.update(id, body, record)),
    );
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({ summary: 'Delete an organization' })
  @ApiNoContentResponse({ description: 'Gone. Sessions are not touched.' })
  @ApiJsonErrors(404)
  async delete(@Param('id') id: string, @Operator() operator: Actor): Promise<void> {
    await this.record.of(operator, changeOf('deleted', id), (record) => this.organizations.delete(id, record));
  }
}

function changeOf(change: string, organization: string): Change {
  return { event: 'organization_changed', change, subject: { organization } };
}

function toDto(organization: Organization): OrganizationDto {
  return {
    id: organization.id,
    name: organization.name,
    upstream: organization.upstream ?? null,
    default: organization.isDefault,
  };
}
