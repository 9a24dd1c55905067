import { Global, Module } from '@nestjs/common';
import { KeysModule } from '../../platform/keys/keys.module.js';
import { SessionsModule } from '../../domain/sessions/sessions.module.js';
import { TokensModule } from '../../domain/tokens/tokens.module.js';
import { AdminGuard } from './admin.guard.js';
import { BrowserIdentity, Browsers } from './browser.js';
import { CookiePolicy } from './cookies.js';
import { Cors } from './cors.js';
import { EdgeFallbacks } from './edge-fallbacks.js';
import { HttpEdge } from './http-edge.js';
import { Leaving } from './leaving.js';
import { LiveStreams } from './live-streams.js';
import { ResponseWriter } from './response-writer.js';

@Global()
@Module({
  imports: [KeysModule, SessionsModule, TokensModule],
  providers: [
    AdminGuard,
    BrowserIdentity,
    Browsers,
    CookiePolicy,
    Cors,
    EdgeFallbacks,
    HttpEdge,
    Leaving,
    LiveStreams,
    ResponseWriter,
  ],
  exports: [
    AdminGuard,
    BrowserIdentity,
    Browsers,
    CookiePolicy,
    Cors,
    EdgeFallbacks,
    HttpEdge,
    Leaving,
    LiveStreams,
    ResponseWriter,
  ],
})
export class KitModule {}
