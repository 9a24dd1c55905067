import { Global, Module, type DynamicModule } from '@nestjs/common';
import { OfferedGrants } from '../../clients/offered-grants.js';
import { TokensModule } from '../tokens.module.js';
import type { GrantHandler, GrantType } from './grant-handler.js';
import { OfferedGrantTypes } from './offered-grant-types.js';
import { TokenGrants } from './token-grants.js';

/** The token endpoint's grant types: those that the application was put together with. */
@Global()
@Module({})
export class GrantsModule {
  static with(types: readonly GrantType[]): DynamicModule {
    const offered = new OfferedGrantTypes(types);
    const handlers = types.map(({ handler }) => handler);
    return {
      module: GrantsModule,
      imports: [TokensModule],
      providers: [
        { provide: OfferedGrantTypes, useValue: offered },
        // What registration asks about them, which stands below the tokens.
        { provide: OfferedGrants, useValue: offered },
        ...handlers,
        {
          provide: TokenGrants,
          inject: handlers,
          // Nest injects them in the order of `inject`.
          useFactory: (...made: readonly GrantHandler[]) => new TokenGrants(offered, made),
        },
      ],
      exports: [OfferedGrantTypes, OfferedGrants, TokenGrants],
    };
  }
}
