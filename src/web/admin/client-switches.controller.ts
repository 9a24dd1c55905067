import { HttpCode, Param, Post } from '@nestjs/common';
import { ApiOkResponse, ApiOperation } from '@nestjs/swagger';
import { AdminController } from '../kit/admin-controller.js';
import { clientInformation, type ClientInformation } from '../../domain/clients/client.presenter.js';
import { ApiJsonErrors } from '../kit/api-errors.js';
import { Operator } from '../kit/admin.guard.js';
import { type Actor } from '../../domain/lifecycle/change-record.js';
import { ClientChanges } from '../../domain/lifecycle/client-changes.service.js';
import { ClientDto } from './dto/clients.dto.js';
import { LogoutResultDto } from './dto/logout.dto.js';
import { toLogoutResult } from './presenters.js';

/** A client that is switched off is still registered, and comes back as it was; a deleted one does not. */
@AdminController('clients/:client_id', 'clients')
export class AdminClientSwitchesController {
  constructor(private readonly changes: ClientChanges) {}

  @Post('disable')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Disable a client',
    description:
      'No person can sign in with it and it gets no token. Its grants end, offline ones too, and it is notified about each session that it takes part in. Disabling one that is disabled changes nothing.',
  })
  @ApiOkResponse({ type: LogoutResultDto })
  @ApiJsonErrors(404, 409)
  async disable(@Param('client_id') clientId: string, @Operator() operator: Actor): Promise<LogoutResultDto> {
    return toLogoutResult(await this.changes.disable(clientId, operator));
  }

  @Post('enable')
  @HttpCode(200)
  @ApiOperation({ summary: 'Enable a client again', description: 'What was ended stays ended.' })
  @ApiOkResponse({ type: ClientDto })
  @ApiJsonErrors(404)
  async enable(@Param('client_id') clientId: string, @Operator() operator: Actor): Promise<ClientInformation> {
    return clientInformation(await this.changes.enable(clientId, operator));
  }
}
