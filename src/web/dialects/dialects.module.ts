import { Module } from '@nestjs/common';
import { BackChannelReceiverModule } from './back-channel-receiver/back-channel-receiver.module.js';
import { ElasticsearchModule } from './elasticsearch/elasticsearch.module.js';
import { OidcEndSessionModule } from './oidc-end-session/oidc-end-session.module.js';
import { VmwareCspModule } from './vmware-csp/vmware-csp.module.js';

/** The logout dialects, one line each. */
@Module({ imports: [OidcEndSessionModule, BackChannelReceiverModule, ElasticsearchModule, VmwareCspModule] })
export class DialectsModule {}
