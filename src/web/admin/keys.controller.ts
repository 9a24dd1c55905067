import { Body, Get, HttpCode, Post } from '@nestjs/common';
import { ApiOkResponse, ApiOperation } from '@nestjs/swagger';
import { KeyRotation } from '../../domain/lifecycle/key-rotation.service.js';
import { AdminController } from '../kit/admin-controller.js';
import { ApiJsonErrors } from '../kit/api-errors.js';
import { KeysService } from '../../platform/keys/keys.service.js';
import type { SigningKeyInfo } from '../../platform/keys/signing-key.js';
import { Operator } from '../kit/admin.guard.js';
import type { Actor } from '../../domain/lifecycle/change-record.js';
import { KeyListDto, RotateKeysDto, type KeyDto } from './dto/keys.dto.js';

@AdminController('keys', 'keys')
export class AdminKeysController {
  constructor(
    private readonly keys: KeysService,
    private readonly rotation: KeyRotation,
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
    return { items: (await this.rotation.rotate(body.immediately ?? false, operator)).map(toKeyDto) };
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
