import { Catch, Injectable, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { isPublicClient, type Client } from '../../domain/clients/client.js';
import { ClientsService } from '../../domain/clients/clients.service.js';
import { ClientAuthenticator } from '../../domain/clients/proofs/client-authenticator.js';
import { bearerToken } from '../kit/bearer.js';
import { clientCors, openCors } from '../kit/cors.js';
import { toFailure } from '../kit/failure.js';
import type { Header } from '../kit/http-response.js';
import { jsonError, JsonErrorFilter } from '../kit/json-error.filter.js';
import { ResponseWriter } from '../kit/response-writer.js';
import { InvalidClientError } from '../../platform/oidc/errors.js';
import { AccessTokensService } from '../../domain/tokens/access-tokens.service.js';

interface RefusedRequest {
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
}

/**
 * Refusals of the endpoints that browser applications call, readable by the application that was refused: one that cannot
 * read that it is signed out asks again for ever.
 *
 * By the origins of the client that the request names, by its token (good or not, while we signed it) or by its id. The
 * refusal of a request that names no registered client may be read by every page: it says nothing of a person or
 * client. A client with a secret or keys that did not prove itself is not let in by its origin.
 */
@Catch()
@Injectable()
export class ReadableErrorFilter implements ExceptionFilter {
  private readonly logger = new Logger(JsonErrorFilter.name);

  constructor(
    private readonly writer: ResponseWriter,
    private readonly clients: ClientsService,
    private readonly authenticator: ClientAuthenticator,
    private readonly accessTokens: AccessTokensService,
  ) {}

  /** Nest does not wait for a filter, so nothing in here may fail. */
  async catch(error: unknown, host: ArgumentsHost): Promise<void> {
    const request = host.switchToHttp().getRequest<RefusedRequest>();
    const cors = await this.corsFor(error, request);
    this.writer.send(host, jsonError(toFailure(error, { logger: this.logger, request })).with(...cors));
  }

  private async corsFor(error: unknown, request: RefusedRequest): Promise<readonly Header[]> {
    const { origin } = request.headers;
    if (origin === undefined) return [];
    const client = await this.namedClient(request);
    if (client === undefined) return openCors(origin);
    return !(error instanceof InvalidClientError) || isPublicClient(client) ? clientCors(origin, client) : [];
  }

  private async namedClient(request: RefusedRequest): Promise<Client | undefined> {
    try {
      const clientId = await this.namedId(request);
      return clientId === undefined ? undefined : await this.clients.find(clientId);
    } catch {
      // Storage is away, say. The request failed already, and its own error is the one to answer.
      return undefined;
    }
  }

  private async namedId({ headers, body }: RefusedRequest): Promise<string | undefined> {
    const form = typeof body === 'object' && body !== null ? (body as Readonly<Record<string, unknown>>) : {};
    const token = bearerToken(headers.authorization) ?? text(form.access_token);
    if (token !== undefined) return (await this.accessTokens.readJwt(token))?.client_id;
    const parameters = Object.fromEntries(Object.entries(form).map(([name, value]) => [name, text(value)]));
    return this.authenticator.claimedClientId({ authorization: headers.authorization, parameters });
  }
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
