import { Global, Module } from '@nestjs/common';
import { KeysModule } from '../keys/keys.module.js';
import { BrowserIdentity } from './browser.js';
import { Cors } from './cors.js';
import { EdgeFallbacks } from './edge-fallbacks.js';
import { HttpEdge } from './http-edge.js';

@Global()
@Module({
  imports: [KeysModule],
  providers: [HttpEdge, BrowserIdentity, Cors, EdgeFallbacks],
  exports: [HttpEdge, BrowserIdentity, Cors, EdgeFallbacks],
})
export class HttpModule {}
