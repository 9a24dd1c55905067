import { Readable } from 'node:stream';
import { Get, HttpCode, Query, StreamableFile } from '@nestjs/common';
import { ApiExtraModels, ApiOkResponse, ApiOperation, ApiResponse, getSchemaPath } from '@nestjs/swagger';
import { UuidParam } from '../kit/uuid-param.js';
import { AdminController } from '../kit/admin-controller.js';
import { ApiJsonErrors } from '../kit/api-errors.js';
import { file, json, type HttpResponse } from '../kit/http-response.js';
import { KeysService } from '../../platform/keys/keys.service.js';
import type { Receipt } from '../../domain/logout/receipts/receipt.js';
import { ReceiptsService, type ReceiptStanding } from '../../domain/logout/receipts/receipts.service.js';
import { PendingReceiptDto, ReceiptDto, ReceiptsQueryDto } from './dto/receipts.dto.js';

const PAGE = 500;

/** Signed receipts of terminations: one by one, the chain of all, and the keys to verify them with. */
@AdminController('', 'logouts')
export class AdminReceiptsController {
  constructor(
    private readonly receipts: ReceiptsService,
    private readonly keys: KeysService,
  ) {}

  @Get('terminations/:id/receipt')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Read the receipt of a termination',
    description:
      'The latest one. It is issued when no notice is pending any more; until then the answer is 202 and says how it stands, unsigned.',
  })
  @ApiExtraModels(PendingReceiptDto)
  @ApiOkResponse({ type: ReceiptDto })
  @ApiResponse({
    status: 202,
    description: 'A notice is still pending, or the receipt is about to be signed.',
    schema: { $ref: getSchemaPath(PendingReceiptDto) },
  })
  @ApiJsonErrors(404)
  async read(@UuidParam('id', 'termination') id: string): Promise<HttpResponse<ReceiptDto | PendingReceiptDto>> {
    const standing = await this.receipts.ofTermination(id);
    return standing.kind === 'final' ? json(toReceiptDto(standing.receipt)) : json(toPendingDto(id, standing), 202);
  }

  @Get('receipts')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Export the chain of receipts',
    description:
      'One JSON object a line, oldest first. `npm run verify-receipts -- FILE --jwks FILE` checks it. An answer that breaks off is cut, never ended as if it were whole.',
  })
  @ApiOkResponse({
    content: {
      'application/x-ndjson': {
        schema: { type: 'string' },
        example:
          '{"sequence":7,"termination_id":"0197f4a2-7c1e-7c3b-9a51-0b8e4b7a8a10","revision":1,"hash":"…","previous_hash":"…","issued_at":"2026-03-01T12:00:00.000Z","receipt":"…"}\n',
      },
    },
  })
  @ApiJsonErrors(400)
  async export(@Query() query: ReceiptsQueryDto): Promise<HttpResponse<StreamableFile>> {
    // Read before the answer begins, so that a failure of storage is still a 503.
    const first = await this.receipts.chain(query.after, PAGE);
    return file(new StreamableFile(Readable.from(this.lines(first)), { type: 'application/x-ndjson' }));
  }

  @Get('receipts/jwks')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Keys that receipts are signed with',
    description:
      'Every one there ever was: a receipt is verified long after its key has retired and left `/jwks`. They prove receipts and nothing else. `nbf` and `exp` (seconds) say when each signs: a receipt from another time (`iat`) is forged.',
  })
  @ApiOkResponse({
    schema: {
      type: 'object',
      required: ['keys'],
      properties: { keys: { type: 'array', items: { type: 'object', additionalProperties: true } } },
    },
  })
  jwks(): object {
    return { keys: this.keys.everyPublicKey('ES256') };
  }

  private async *lines(first: readonly Receipt[]): AsyncGenerator<string> {
    for (let page = first; page.length > 0; page = await this.next(page)) {
      yield page.map((receipt) => `${JSON.stringify(toLine(receipt))}\n`).join('');
    }
  }

  private next(page: readonly Receipt[]): Promise<readonly Receipt[]> {
    const last = page.at(-1);
    return last === undefined || page.length < PAGE ? Promise.resolve([]) : this.receipts.chain(last.sequence, PAGE);
  }
}

function toReceiptDto(receipt: Receipt): ReceiptDto {
  return {
    receipt: receipt.jws,
    sequence: receipt.sequence,
    hash: receipt.hash,
    previous_hash: receipt.previousHash,
    revision: receipt.revision,
    issued_at: receipt.issuedAt.toISOString(),
    state: 'final',
  };
}

function toPendingDto(id: string, standing: ReceiptStanding & { readonly kind: 'pending' }): PendingReceiptDto {
  return {
    state: 'pending',
    termination_id: id,
    ended_at: standing.endedAt.toISOString(),
    applications: standing.applications.map(({ clientId, state, notices, attempts }) => ({
      client_id: clientId,
      outcome: state,
      notices,
      attempts,
    })),
    ...(standing.withoutNotice.length === 0 ? {} : { without_notice: [...standing.withoutNotice] }),
  };
}

function toLine(receipt: Receipt): object {
  const { receipt: jws, sequence, hash, previous_hash, revision, issued_at } = toReceiptDto(receipt);
  return { sequence, termination_id: receipt.terminationId, revision, hash, previous_hash, issued_at, receipt: jws };
}
