import { Controller, Delete, Get, HttpCode, Param, UseFilters, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { AccountsService } from '../../domain/accounts/accounts.service.js';
import { ConsentWithdrawal } from '../../domain/lifecycle/consent-withdrawal.service.js';
import { ConsentsService, type Consent } from '../../domain/consents/consents.service.js';
import { ClientsService } from '../../domain/clients/clients.service.js';
import { ApiJsonErrors } from '../kit/api-errors.js';
import { JsonErrorFilter } from '../kit/json-error.filter.js';
import { NotFoundError } from '../../platform/oidc/errors.js';
import { AdminGuard, OperatorClientId } from '../kit/admin.guard.js';
import { ConsentListDto, type ConsentDto } from './dto/consents.dto.js';
import { LogoutResultDto } from './dto/logout.dto.js';
import { toLogoutResult } from './presenters.js';

/** What a person allowed applications, for operators. */
@ApiTags('Admin: accounts')
@ApiBearerAuth('admin')
@Controller('admin/v1/accounts/:id/consents')
@UseGuards(AdminGuard)
@UseFilters(JsonErrorFilter)
@ApiJsonErrors(401, 403, 404)
export class AdminConsentsController {
  constructor(
    private readonly accounts: AccountsService,
    private readonly clients: ClientsService,
    private readonly consents: ConsentsService,
    private readonly withdrawal: ConsentWithdrawal,
  ) {}

  @Get()
  @HttpCode(200)
  @ApiOperation({ summary: 'What the person allowed applications', description: 'Newest first.' })
  @ApiOkResponse({ type: ConsentListDto })
  async list(@Param('id') id: string): Promise<ConsentListDto> {
    const account = await this.accounts.get(id);
    return { items: (await this.consents.list(account.id)).map(toConsentDto) };
  }

  @Delete(':client_id')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Take back what the person allowed an application',
    description:
      'Its grants by this person end, offline ones too, and it is told about each session of theirs that it takes part in. The sessions go on; next time the person is asked again.',
  })
  @ApiOkResponse({ type: LogoutResultDto })
  async withdraw(
    @Param('id') id: string,
    @Param('client_id') clientId: string,
    @OperatorClientId() operator: string,
  ): Promise<LogoutResultDto> {
    const account = await this.accounts.get(id);
    await this.clients.get(clientId);
    const outcome = await this.withdrawal.withdraw(account.id, clientId, { kind: 'operator', clientId: operator });
    if (outcome.kind === 'not_given') throw new NotFoundError('The person allowed this application nothing.');
    return toLogoutResult(outcome);
  }
}

function toConsentDto(consent: Consent): ConsentDto {
  return {
    client_id: consent.clientId,
    scope: consent.scope,
    claims: consent.claims,
    granted_at: consent.grantedAt.toISOString(),
  };
}
