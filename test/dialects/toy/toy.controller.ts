import { Body, Controller, HttpCode, Post, Res, UseFilters } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { HttpEdge, type Response } from '../../../src/web/kit/http-edge.js';
import type { TerminationCause } from '../../../src/domain/logout/command/logout.js';
import { LogoutService } from '../../../src/domain/logout/command/logout.service.js';
import { HintVerifier } from '../../../src/domain/tokens/hint-verifier.js';
import type { ToyLogoutDto, ToyEndedDto } from './dto/toy-logout.dto.js';
import { ToyBodyPipe } from './toy-body.pipe.js';
import { ToyErrorFilter } from './toy-error.filter.js';
import { toEnded, toLogoutCommand } from './toy.mapper.js';
import { TAG, TOY_ALARM, TOY_LOGOUT } from './vocabulary.js';

/** Ends the session that an ID token names. The token is the credential, so no cookie is read (docs/threat-model.md#forced-logout). */
@ApiTags(TAG)
@Controller('toy')
@UseFilters(ToyErrorFilter)
export class ToyController {
  constructor(
    private readonly hints: HintVerifier,
    private readonly logoutService: LogoutService,
    private readonly edge: HttpEdge,
  ) {}

  @Post('logout')
  @HttpCode(200)
  logout(@Body(ToyBodyPipe) body: ToyLogoutDto, @Res({ passthrough: true }) response: Response): Promise<ToyEndedDto> {
    return this.end(body, TOY_LOGOUT.name, response);
  }

  @Post('alarm')
  @HttpCode(200)
  alarm(@Body(ToyBodyPipe) body: ToyLogoutDto, @Res({ passthrough: true }) response: Response): Promise<ToyEndedDto> {
    return this.end(body, TOY_ALARM.name, response);
  }

  private async end(body: ToyLogoutDto, cause: TerminationCause, response: Response): Promise<ToyEndedDto> {
    this.edge.noStore(response);
    const command = toLogoutCommand(await this.hints.idTokenHint(body.session_token), cause);
    return toEnded(await this.logoutService.logout(command));
  }
}
