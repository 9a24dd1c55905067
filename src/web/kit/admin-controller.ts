import { applyDecorators, Controller, UseFilters, UseGuards, UseInterceptors, UsePipes } from '@nestjs/common';
import { ApiBearerAuth, ApiTags } from '@nestjs/swagger';
import { AdminGuard } from './admin.guard.js';
import { ApiJsonErrors } from './api-errors.js';
import { JsonErrorFilter } from './json-error.filter.js';
import { StrictJsonPipe } from './parameters.pipe.js';
import { ResponseInterceptor } from './response.interceptor.js';

/**
 * A controller of the operator API: below `/admin/v1`, for operators only, with JSON errors, and with members that no DTO
 * has refused.
 * @param path below `/admin/v1`; empty for a controller of several paths
 * @param tag in the API document, after `Admin: `
 */
export function AdminController(path: string, tag: string): ClassDecorator {
  return applyDecorators(
    ApiTags(`Admin: ${tag}`),
    ApiBearerAuth('admin'),
    Controller(path === '' ? 'admin/v1' : `admin/v1/${path}`),
    UseGuards(AdminGuard),
    UseFilters(JsonErrorFilter),
    UsePipes(StrictJsonPipe),
    UseInterceptors(ResponseInterceptor),
    ApiJsonErrors(401, 403),
  );
}
