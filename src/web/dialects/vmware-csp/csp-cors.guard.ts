import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { ClientsService } from '../../../domain/clients/clients.service.js';
import { registeredCors } from '../../kit/cors.js';
import { ResponseWriter } from '../../kit/response-writer.js';

interface RequestOfABrowser {
  readonly method: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
}

/**
 * Lets browser applications read every answer, refusals too, when their origin is that of a registered redirect URI.
 * Which client asks is often not known here: `{}` names none, and a refused ID token neither. Never with credentials, so
 * no cookie comes along; what is answered was in the request, or is the same for everybody.
 */
@Injectable()
export class CspCorsGuard implements CanActivate {
  constructor(
    private readonly clients: ClientsService,
    private readonly writer: ResponseWriter,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const { headers, method } = context.switchToHttp().getRequest<RequestOfABrowser>();
    const { origin } = headers;
    if (origin === undefined) return true;
    const known = await this.clients.isOrigin(origin);
    this.writer.ahead(context, registeredCors(known ? origin : undefined, method === 'OPTIONS'));
    return true;
  }
}
