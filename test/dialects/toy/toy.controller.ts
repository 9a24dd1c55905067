import { Body, Controller, HttpCode, Post, Res, UseFilters, UsePipes } from '@nestjs/common';
import { HttpEdge, type Response } from '../../../src/web/kit/http-edge.js';
import { StrictJsonPipe } from '../../../src/web/kit/parameters.pipe.js';
import { LogoutService } from '../../../src/domain/logout/command/logout.service.js';
import { HintVerifier } from '../../../src/domain/tokens/hint-verifier.js';
import { ToyLogoutDto, type ToyEndedDto } from './dto/toy-logout.dto.js';
import { ToyErrorFilter } from './toy-error.filter.js';
import { toEnded, toLogoutCommand } from './toy.mapper.js';

/**
 * Ends the session that an ID token names. The token is the credential, so no cookie is read
 * (docs/threat-model.md#forced-logout).
 */
@Controller('toy')
@UseFilters(ToyErrorFilter)
@UsePipes(StrictJsonPipe)
export class ToyController {
  constructor(
    private readonly hints: HintVerifier,
    private readonly logoutService: LogoutService,
    private readonly edge: HttpEdge,
  ) {}

  @Post('logout')
  @HttpCode(200)
  async logout(@Body() body: ToyLogoutDto, @Res({ passthrough: true }) response: Response): Promise<ToyEndedDto> {
    this.edge.noStore(response);
    const command = toLogoutCommand(await this.hints.idTokenHint(body.session_token));
    return toEnded(await this.logoutService.logout(command));
  }
}
