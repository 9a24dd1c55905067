import { Global, Module } from '@nestjs/common';
import { KeysModule } from '../keys/keys.module.js';
import { BrowserIdentity } from './browser.js';
import { Cors } from './cors.js';
import { EdgeFallbacks } from './edge-fallbacks.js';
import { HttpEdge } from './http-edge.js';
import { Leaving } from './leaving.js';
import { LiveStreams } from './live-streams.js';

@Global()
@Module({
  imports: [KeysModule],
  providers: [HttpEdge, BrowserIdentity, Cors, EdgeFallbacks, Leaving, LiveStreams],
  exports: [HttpEdge, BrowserIdentity, Cors, EdgeFallbacks, Leaving, LiveStreams],
})
export class HttpModule {}
