import { Controller, Get, Header, HttpCode } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { KeysService } from '../../platform/keys/keys.service.js';
import { PATHS } from '../../platform/oidc/endpoints.js';

@ApiTags('Discovery')
@Controller()
export class JwksController {
  constructor(private readonly keys: KeysService) {}

  @Get(PATHS.jwks)
  @HttpCode(200)
  @Header('Content-Type', 'application/json; charset=utf-8')
  @Header('Cache-Control', 'public, max-age=300')
  @Header('Access-Control-Allow-Origin', '*')
  @ApiOperation({
    summary: 'Public signing keys',
    description:
      'The JWK Set (RFC 7517 §5): keys that sign, keys that are about to, and keys that signed until lately.',
  })
  @ApiOkResponse({
    description: 'The key set. It may be cached for five minutes.',
    content: {
      'application/json': {
        schema: {
          type: 'object',
          required: ['keys'],
          properties: { keys: { type: 'array', items: { type: 'object', additionalProperties: true } } },
        },
        example: {
          keys: [
            {
              kty: 'EC',
              crv: 'P-256',
              x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
              y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
              kid: 'mTzRzQ3nbe0XJvfDqHy0vRrJ8oXcWm0Ehy8ovSLRdRk',
              alg: 'ES256',
              use: 'sig',
            },
          ],
        },
      },
    },
  })
  jwks(): string {
    return this.keys.jwks();
  }
}
