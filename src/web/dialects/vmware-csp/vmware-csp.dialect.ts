import type { DialectDescriptor } from '../dialect.js';
import { CspErrorFilter } from './csp-error.filter.js';
import { CSP_LOGOUT, NAME, TAG } from './vocabulary.js';
import { VmwareCspModule } from './vmware-csp.module.js';

/** “Get Identity Provider Logout Url Using POST” of VMware Cloud Services. */
export const VMWARE_CSP: DialectDescriptor = {
  name: NAME,
  module: VmwareCspModule,
  causes: [CSP_LOGOUT],
  paths: ['/csp/'],
  ownBody: true,
  errors: CspErrorFilter,
  openApi: {
    tag: { name: TAG, description: '“Get Identity Provider Logout Url Using POST” of VMware Cloud Services.' },
    operations: { VmwareCsp_logout: { body: {} }, VmwareCsp_logoutV2: { body: {} } },
  },
};
