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
  @ApiOkResponse({
    type: LogoutResultDto,
    examples: {
      at_once: {
        summary: 'It ended in this request',
        value: {
          termination_id: '019ad0c2-7a51-7c1e-9c55-2f6d0c1f9b3a',
          sessions: 0,
          grants_revoked: 3,
          deliveries: 2,
          not_told: 0,
        },
      },
      ordered: {
        summary: 'There is too much for one request: all of it is dead, and the order tells',
        value: {
          order_id: '019ad0c2-7a51-7c1e-9c55-2f6d0c1f9b3b',
          sessions: null,
          grants_revoked: null,
          deliveries: null,
        },
      },
    },
  })
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
