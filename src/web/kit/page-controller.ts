import { applyDecorators, Controller, UseFilters, UseInterceptors } from '@nestjs/common';
import { PageErrorFilter } from './page-error.filter.js';
import { ResponseInterceptor } from './response.interceptor.js';

/** A controller of pages for people: its handlers return an `HttpResponse` and its errors are pages. */
export function PageController(path = ''): ClassDecorator {
  return applyDecorators(Controller(path), UseFilters(PageErrorFilter), UseInterceptors(ResponseInterceptor));
}
