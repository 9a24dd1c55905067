import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  Param,
  Post,
  Query,
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
import { AccountsService } from '../../domain/accounts/accounts.service.js';
import { ApiJsonErrors } from '../kit/api-errors.js';
import { JsonErrorFilter } from '../kit/json-error.filter.js';
import { StrictJsonPipe } from '../kit/parameters.pipe.js';
import { LogoutService } from '../../domain/logout/command/logout.service.js';
import { UpstreamIdentities, type UpstreamIdentity } from '../../domain/upstreams/upstream-identities.service.js';
import { AdminGuard, Operator } from '../kit/admin.guard.js';
import { ChangeRecord, type Actor, type Change } from '../../domain/lifecycle/change-record.js';
import { IdentityDto, IdentityListDto, LinkedIdentityDto } from './dto/upstreams.dto.js';

/** By whom at other providers an account may be used, for operators. */
@ApiTags('Admin: accounts')
@ApiBearerAuth('admin')
@Controller('admin/v1/accounts/:id/identities')
@UseGuards(AdminGuard)
@UseFilters(JsonErrorFilter)
@UsePipes(StrictJsonPipe)
@ApiJsonErrors(401, 403)
export class AdminIdentitiesController {
  constructor(
    private readonly accounts: AccountsService,
    private readonly identities: UpstreamIdentities,
    private readonly logoutService: LogoutService,
    private readonly record: ChangeRecord,
  ) {}

  @Get()
  @HttpCode(200)
  @ApiOperation({ summary: 'List an account’s identities at other providers' })
  @ApiOkResponse({ type: IdentityListDto })
  @ApiJsonErrors(404)
  async list(@Param('id') id: string): Promise<IdentityListDto> {
    const account = await this.accounts.get(id);
    return { items: (await this.identities.list(account.id)).map(toDto) };
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
    @Param('id') id: string,
    @Body() body: IdentityDto,
    @Operator() operator: Actor,
  ): Promise<LinkedIdentityDto> {
    const { id: accountId } = await this.accounts.get(id);
    return toDto(
      await this.record.of(operator, changeOf('identity_linked', accountId, body), (record) =>
        this.identities.link(accountId, body.issuer, body.sub, record),
      ),
    );
  }

  @Delete()
  @HttpCode(204)
  @ApiOperation({
    summary: 'Unlink an account from a person at another provider',
    description: 'Ends the sessions that this person began by it.',
  })
  @ApiNoContentResponse({ description: 'Unlinked, and signed out.' })
  @ApiJsonErrors(400, 404)
  async unlink(@Param('id') id: string, @Query() query: IdentityDto, @Operator() operator: Actor): Promise<void> {
    const { id: accountId } = await this.accounts.get(id);
    await this.record.of(operator, changeOf('identity_unlinked', accountId, query), (record) =>
      this.logoutService.logout(
        {
          target: { kind: 'upstream-subject', issuer: query.issuer, sub: query.sub },
          cause: 'admin',
          initiator: { kind: 'operator', clientId: operator.clientId },
        },
        {
          before: async (tx) => {
            await this.identities.unlink(tx, accountId, query.issuer, query.sub);
            await record(tx);
          },
        },
      ),
    );
  }
}

/** The `sub` stays out of the record, which outlives the person's data. */
function changeOf(change: string, accountId: string, { issuer }: IdentityDto): Change {
  return { event: 'account_changed', change, subject: { account_id: accountId, issuer } };
}

function toDto(identity: UpstreamIdentity): LinkedIdentityDto {
  return { issuer: identity.issuer, sub: identity.sub, linked_at: identity.linkedAt.toISOString() };
}
