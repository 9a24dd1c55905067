import { Inject, Injectable, type PipeTransform } from '@nestjs/common';
import { SETTINGS, type Settings } from '../../../platform/config/settings.js';
import { parseObject, type FieldValue, type ObjectSchema } from './object-parser.js';
import { OIDC_LOGOUT, OIDC_LOGOUT_STRICT } from './request-schemas.js';

/** The body of a request as the fields of one message. It comes as text, whatever its media type (`app.factory.ts`). */
export class ObjectParserPipe implements PipeTransform<unknown, Readonly<Record<string, FieldValue>>> {
  constructor(private readonly schema: ObjectSchema) {}

  transform(body: unknown): Readonly<Record<string, FieldValue>> {
    return parseObject(typeof body === 'string' ? body : '', this.schema);
  }
}

/** The same for logout, whose fields depend on `ELASTICSEARCH_STRICT`. */
@Injectable()
export class OidcLogoutParserPipe extends ObjectParserPipe {
  constructor(@Inject(SETTINGS) settings: Settings) {
    super(settings.elasticsearchStrict ? OIDC_LOGOUT_STRICT : OIDC_LOGOUT);
  }
}
