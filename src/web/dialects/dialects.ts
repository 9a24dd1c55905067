import { BACK_CHANNEL_RECEIVER } from './back-channel-receiver/back-channel-receiver.dialect.js';
import type { DialectDescriptor } from './dialect.js';
import { ELASTICSEARCH } from './elasticsearch/elasticsearch.dialect.js';
import { OIDC_END_SESSION } from './oidc-end-session/oidc-end-session.dialect.js';
import { VMWARE_CSP } from './vmware-csp/vmware-csp.dialect.js';

/** The logout dialects, one line each. */
export const DIALECTS: readonly DialectDescriptor[] = [
  OIDC_END_SESSION,
  BACK_CHANNEL_RECEIVER,
  ELASTICSEARCH,
  VMWARE_CSP,
];
