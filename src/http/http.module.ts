import { Global, Module } from '@nestjs/common';
import { KeysModule } from '../keys/keys.module.js';
import { BrowserIdentity } from './browser.js';
import { Cors } from './cors.js';
import { HttpEdge } from './http-edge.js';

@Global()
@Module({
  imports: [KeysModule],
  providers: [HttpEdge, BrowserIdentity, Cors],
  exports: [HttpEdge, BrowserIdentity, Cors],
})
export class HttpModule {}
