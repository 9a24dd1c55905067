import { Catch } from '@nestjs/common';
import { JsonErrorFilter } from './json-error.filter.js';

/** What no controller's filter sees: unknown paths, bodies that cannot be parsed. */
@Catch()
export class FallbackFilter extends JsonErrorFilter {}
