import { Module } from '@nestjs/common';
import { OidcEndSessionModule } from './oidc-end-session/oidc-end-session.module.js';

/** The logout dialects, one line each. */
@Module({ imports: [OidcEndSessionModule] })
export class DialectsModule {}
