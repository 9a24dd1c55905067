import { Controller, HttpCode, Param, Post, UseFilters, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { clientInformation, type ClientInformation } from '../../domain/clients/client.presenter.js';
import { ClientRegistrationService } from '../../domain/clients/client-registration.service.js';
import { ApiJsonErrors } from '../kit/api-errors.js';
import { JsonErrorFilter } from '../kit/json-error.filter.js';
import { AdminGuard, Operator } from '../kit/admin.guard.js';
import { ChangeRecord, clientChange, type Actor } from '../../domain/lifecycle/change-record.js';
import { ClientChanges } from '../../domain/lifecycle/client-changes.service.js';
import { ClientDto } from './dto/clients.dto.js';
import { LogoutResultDto } from './dto/logout.dto.js';
import { toLogoutResult } from './presenters.js';

/** A client that is switched off is still registered, and comes back as it was; a deleted one does not. */
@ApiTags('Admin: clients')
@ApiBearerAuth('admin')
@Controller('admin/v1/clients/:client_id')
@UseGuards(AdminGuard)
@UseFilters(JsonErrorFilter)
@ApiJsonErrors(401, 403, 404)
export class AdminClientSwitchesController {
  constructor(
    private readonly registration: ClientRegistrationService,
    private readonly changes: ClientChanges,
    private readonly record: ChangeRecord,
  ) {}

  @Post('disable')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Disable a client',
    description:
      'Nobody signs in with it and it gets no token. Its grants end, offline ones too, and it is told about each session that it takes part in. Disabling one that is disabled changes nothing.',
  })
  @ApiOkResponse({ type: LogoutResultDto })
  @ApiJsonErrors(409)
  async disable(@Param('client_id') clientId: string, @Operator() operator: Actor): Promise<LogoutResultDto> {
    return toLogoutResult(
      await this.record.of(operator, clientChange('disabled', clientId), (record) =>
        this.changes.disable(clientId, operator.clientId, record),
      ),
    );
  }

  @Post('enable')
  @HttpCode(200)
  @ApiOperation({ summary: 'Enable a client again', description: 'What was ended stays ended.' })
  @ApiOkResponse({ type: ClientDto })
  async enable(@Param('client_id') clientId: string, @Operator() operator: Actor): Promise<ClientInformation> {
    return clientInformation(
      await this.record.of(operator, clientChange('enabled', clientId), (record) =>
        this.registration.enable(clientId, record),
      ),
    );
  }
}
