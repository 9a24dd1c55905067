import { Global, Module } from '@nestjs/common';
import { KeysModule } from '../../platform/keys/keys.module.js';
import { TokensModule } from '../../domain/tokens/tokens.module.js';
import { AdminGuard } from './admin.guard.js';
import { BrowserIdentity } from './browser.js';
import { Cors } from './cors.js';
import { EdgeFallbacks } from './edge-fallbacks.js';
import { HttpEdge } from './http-edge.js';
import { Leaving } from './leaving.js';
import { LiveStreams } from './live-streams.js';
import { ServerTokens } from './server-tokens.js';

@Global()
@Module({
  imports: [KeysModule, TokensModule],
  providers: [AdminGuard, BrowserIdentity, Cors, EdgeFallbacks, HttpEdge, Leaving, LiveStreams, ServerTokens],
  exports: [AdminGuard, BrowserIdentity, Cors, EdgeFallbacks, HttpEdge, Leaving, LiveStreams, ServerTokens],
})
export class KitModule {}
