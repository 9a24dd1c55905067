import { Inject, Injectable, type NestMiddleware } from '@nestjs/common';
import { SETTINGS, type Settings } from '../../../platform/config/settings.js';
import { ResponseWriter, type OutgoingResponse } from '../../kit/response-writer.js';
import { sha256 } from '../../../platform/oidc/secret.js';
import { parseCredentials } from './credentials.js';
import { checkQuery, ElasticsearchAnswer, toResponse, type ElasticsearchRequest } from './elasticsearch-answer.js';
import { ElasticsearchErrorFilter } from './elasticsearch-error.filter.js';
import { FacilitatorGuard } from './facilitator.guard.js';

/** The last minor version of the line whose documentation this dialect follows. */
const VERSION = '7.17.0';

/**
 * `GET /` and `HEAD /` for Elasticsearch clients of the versions 7.14 to 7.17: before their first call they ask there which
 * product it is, and refuse to work with one that does not say `Elasticsearch`.
 *
 * The address belongs to people, who get a page. So this answers only a caller that shows credentials and does not ask
 * for HTML: a facilitator, or the token of a person that one signed in. Credentials that are not good are refused as
 * everywhere in the dialect; with the page the clients would report a wrong product for a wrong password.
 */
@Injectable()
export class RootInfoMiddleware implements NestMiddleware<ElasticsearchRequest, OutgoingResponse> {
  private readonly clusterUuid: string;

  constructor(
    private readonly callers: FacilitatorGuard,
    private readonly writer: ResponseWriter,
    private readonly errors: ElasticsearchErrorFilter,
    @Inject(SETTINGS) settings: Settings,
  ) {
    this.clusterUuid = sha256(settings.issuer).toString('base64url').slice(0, 22);
  }

  async use(request: ElasticsearchRequest, response: OutgoingResponse, next: (error?: unknown) => void): Promise<void> {
    const { accept = '', authorization } = request.headers;
    if (/text\/html|application\/xhtml\+xml/i.test(accept) || parseCredentials(authorization).kind === 'none')
      return next();
    try {
      const caller = await this.callers.authenticate(request);
      if (caller.kind === 'client' && caller.client.metadata.permissions.length === 0) return next();
      checkQuery(request);
      this.writer.sendTo(response, toResponse(request, new ElasticsearchAnswer(200, this.info())));
    } catch (error) {
      this.writer.sendTo(response, this.errors.refusal(error, request));
    }
  }

  private info(): object {
    return {
      name: 'exeunt',
      cluster_name: 'exeunt',
      cluster_uuid: this.clusterUuid,
      version: {
        number: VERSION,
        build_flavor: 'default',
        build_type: 'docker',
        build_hash: 'unknown',
        build_date: '1970-01-01T00:00:00.000Z',
        build_snapshot: false,
        lucene_version: '8.11.1',
        minimum_wire_compatibility_version: '6.8.0',
        minimum_index_compatibility_version: '6.0.0-beta1',
      },
      tagline: 'You Know, for Search',
    };
  }
}
