import { similarNames } from '../../../platform/oidc/similar-names.js';

export { similarNames } from '../../../platform/oidc/similar-names.js';

/** `did you mean [y]?` or `did you mean any of [a, b]?`; undefined when nothing is alike. */
export function suggestion(name: string, candidates: readonly string[]): string | undefined {
  const similar = similarNames(name, candidates);
  if (similar.length === 0) return undefined;
  return `did you mean ${similar.length === 1 ? '' : 'any of '}[${similar.join(', ')}]?`;
}
