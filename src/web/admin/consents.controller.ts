import { Delete, Get, HttpCode, Param } from '@nestjs/common';
import { ApiOkResponse, ApiOperation } from '@nestjs/swagger';
import { UuidParam } from '../kit/uuid-param.js';
import { AccountsService } from '../../domain/accounts/accounts.service.js';
import { ConsentWithdrawal } from '../../domain/lifecycle/consent-withdrawal.service.js';
import type { Consent } from '../../domain/consents/consent.js';
import { ConsentsService } from '../../domain/consents/consents.service.js';
import { AdminController } from '../kit/admin-controller.js';
import { ApiJsonErrors } from '../kit/api-errors.js';
import { OperatorClientId } from '../kit/admin.guard.js';
import { ConsentListDto, type ConsentDto } from './dto/consents.dto.js';
import { LogoutResultDto } from './dto/logout.dto.js';
import { toLogoutResult } from './presenters.js';

/** What a person allowed applications, for operators. */
@AdminController('accounts/:id/consents', 'accounts')
export class AdminConsentsController {
  constructor(
    private readonly accounts: AccountsService,
    private readonly consents: ConsentsService,
    private readonly withdrawal: ConsentWithdrawal,
  ) {}

  @Get()
  @HttpCode(200)
  @ApiOperation({ summary: 'What the person allowed applications', description: 'Newest first.' })
  @ApiOkResponse({ type: ConsentListDto })
  @ApiJsonErrors(404)
  async list(@UuidParam('id', 'account') id: string): Promise<ConsentListDto> {
    const account = await this.accounts.get(id);
    return { items: (await this.consents.list(account.id)).map(toConsentDto) };
  }

  @Delete(':client_id')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Take back what the person allowed an application',
    description:
      'Its grants by this person end, offline ones too, and it is notified about each of their sessions that it takes part in. The sessions continue; next time the person is asked again.',
  })
  @ApiOkResponse({ type: LogoutResultDto })
  @ApiJsonErrors(404)
  async withdraw(
    @UuidParam('id', 'account') id: string,
    @Param('client_id') clientId: string,
    @OperatorClientId() operator: string,
  ): Promise<LogoutResultDto> {
    return toLogoutResult(await this.withdrawal.withdrawFor(id, clientId, operator));
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
