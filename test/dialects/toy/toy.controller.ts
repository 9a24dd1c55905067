import { Body, Controller, HttpCode, Post, UseFilters, UseInterceptors } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { json, type HttpResponse } from '../../../src/web/kit/http-response.js';
import { ResponseInterceptor } from '../../../src/web/kit/response.interceptor.js';
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
@UseInterceptors(ResponseInterceptor)
export class ToyController {
  constructor(
    private readonly hints: HintVerifier,
    private readonly logoutService: LogoutService,
  ) {}

  @Post('logout')
  @HttpCode(200)
  logout(@Body(ToyBodyPipe) body: ToyLogoutDto): Promise<HttpResponse<ToyEndedDto>> {
    return this.end(body, TOY_LOGOUT.name);
  }

  @Post('alarm')
  @HttpCode(200)
  alarm(@Body(ToyBodyPipe) body: ToyLogoutDto): Promise<HttpResponse<ToyEndedDto>> {
    return this.end(body, TOY_ALARM.name);
  }

  private async end(body: ToyLogoutDto, cause: TerminationCause): Promise<HttpResponse<ToyEndedDto>> {
    const command = toLogoutCommand(await this.hints.idTokenHint(body.session_token), cause);
    return json(toEnded(await this.logoutService.logout(command)));
  }
}
