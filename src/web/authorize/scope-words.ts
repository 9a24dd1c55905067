import { STANDARD_CLAIMS } from '../../platform/oidc/claims.js';
import type { ScopeView } from '../pages/pages.js';
import type { AuthorizationRequest } from '../../domain/interactions/authorization-request.js';

const WORDS: Readonly<Record<string, string>> = {
  openid: 'Know that it is you',
  profile: 'See your name and profile',
  email: 'See your e-mail address',
  address: 'See your postal address',
  phone: 'See your phone number',
  offline_access: 'Keep access while you are away',
};

/** What an application asks for, in words. A scope of an application's own is shown by its name. */
export function scopeViews(request: AuthorizationRequest): ScopeView[] {
  const claims = [
    ...new Set([...Object.keys(request.claims?.userinfo ?? {}), ...Object.keys(request.claims?.id_token ?? {})]),
  ];
  return scopeWords(request.scope, claims);
}

/** Scopes and single claims, in the same words. Only of claims that we know: other names would be an application's text on our page. */
export function scopeWords(scope: readonly string[], claimNames: readonly string[]): ScopeView[] {
  const scopes = scope.map((name) => ({
    name,
    description: (Object.hasOwn(WORDS, name) ? WORDS[name] : undefined) ?? name,
  }));
  const claims = claimNames
    .filter((name) => STANDARD_CLAIMS.includes(name))
    .map((name) => ({ name, description: `See your ${name.replaceAll('_', ' ')}` }));
  return [...scopes, ...claims];
}
