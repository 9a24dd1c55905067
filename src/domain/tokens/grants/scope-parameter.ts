import type { FormParameterOptions } from '../../../platform/oidc/form-parameter.js';

/** `scope` as every grant type reads it (RFC 6749 §3.3). */
export const SCOPE_PARAMETER: FormParameterOptions = {
  description: 'Narrows the token; never more than was granted.',
  maxLength: 2000,
  example: 'openid email',
};
