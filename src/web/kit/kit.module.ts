import { Global, Module } from '@nestjs/common';
import { KeysModule } from '../../platform/keys/keys.module.js';
import { SessionsModule } from '../../domain/sessions/sessions.module.js';
import { TokensModule } from '../../domain/tokens/tokens.module.js';
import { AdminGuard } from './admin.guard.js';
import { Browsers } from './browser.js';
import { CookiePolicy } from './cookies.js';
import { EdgeFallbacks } from './edge-fallbacks.js';
import { LiveStreams } from './live-streams.js';
import { ResponseWriter } from './response-writer.js';

@Global()
@Module({
  imports: [KeysModule, SessionsModule, TokensModule],
  providers: [AdminGuard, Browsers, CookiePolicy, EdgeFallbacks, LiveStreams, ResponseWriter],
  exports: [AdminGuard, Browsers, CookiePolicy, EdgeFallbacks, LiveStreams, ResponseWriter],
})
export class KitModule {}
