import { Injectable, type PipeTransform } from '@nestjs/common';
import type { ToyLogoutDto } from './dto/toy-logout.dto.js';
import { BadBodyError } from './toy-error.js';

/** A body is one line, `session_token <token>`, of whatever media type it says it is. */
@Injectable()
export class ToyBodyPipe implements PipeTransform<unknown, ToyLogoutDto> {
  /** @throws BadBodyError */
  transform(body: unknown): ToyLogoutDto {
    const [, token] = typeof body === 'string' ? (/^session_token (\S{1,16384})\n?$/.exec(body) ?? []) : [];
    if (token === undefined) throw new BadBodyError('The body must be one line: session_token and the token.');
    return { session_token: token };
  }
}
