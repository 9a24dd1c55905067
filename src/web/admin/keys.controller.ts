import { Body, Controller, Get, HttpCode, Post, UseFilters, UseGuards, UsePipes } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ApiJsonErrors } from '../kit/api-errors.js';
import { JsonErrorFilter } from '../kit/json-error.filter.js';
import { StrictJsonPipe } from '../kit/parameters.pipe.js';
import { KeysService } from '../../platform/keys/keys.service.js';
import type { SigningKeyInfo } from '../../platform/keys/signing-key.js';
import { AdminGuard, Operator } from '../kit/admin.guard.js';
import { ChangeRecord, type Actor } from '../../domain/lifecycle/change-record.js';
import { KeyListDto, RotateKeysDto, type KeyDto } from './dto/keys.dto.js';

@ApiTags('Admin: keys')
@ApiBearerAuth('admin')
@Controller('admin/v1/keys')
@UseGuards(AdminGuard)
@UseFilters(JsonErrorFilter)
@UsePipes(StrictJsonPipe)
@ApiJsonErrors(401, 403)
export class AdminKeysController {
  constructor(
    private readonly keys: KeysService,
    private readonly record: ChangeRecord,
  ) {}

  @Get()
  @HttpCode(200)
  @ApiOperation({
    summary: 'List signing keys',
    description: 'Published, active, retired (still published) and verifying (hints only).',
  })
  @ApiOkResponse({ type: KeyListDto })
  list(): KeyListDto {
    return { items: this.keys.list().map(toKeyDto) };
  }

  @Post('rotate')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Rotate the signing keys',
    description: 'New keys are published now and sign after the lead time, or at once with `immediately`.',
  })
  @ApiOkResponse({ type: KeyListDto })
  @ApiJsonErrors(400)
  async rotate(@Body() body: RotateKeysDto, @Operator() operator: Actor): Promise<KeyListDto> {
    const immediately = body.immediately ?? false;
    const change = { event: 'keys_rotated', change: 'rotated', subject: { immediately } } as const;
    await this.record.of(operator, change, (record) => this.keys.rotate(immediately, record));
    return this.list();
  }
}

function toKeyDto(key: SigningKeyInfo): KeyDto {
  return {
    kid: key.kid,
    alg: key.alg,
    state: key.state,
    created_at: key.createdAt.toISOString(),
    active_at: key.activeAt.toISOString(),
    ...(key.retiredAt === null ? {} : { retired_at: key.retiredAt.toISOString() }),
  };
}
