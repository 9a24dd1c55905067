/** The authentication context that a password gives. */
export const PASSWORD_ACR = 'urn:exeunt:acr:password';
/** The one that a sign-in at another provider gives: what was asked of the person there, we do not know. */
export const UPSTREAM_ACR = 'urn:exeunt:acr:upstream';
/** `amr` of a session that another provider vouched for; what that one says it asked of the person comes after it. */
export const FEDERATED_AMR = 'fed';

/** The `acr` of a sign-in, by its `amr`. */
export function acrOf(amr: readonly string[]): string {
  return amr.includes(FEDERATED_AMR) ? UPSTREAM_ACR : PASSWORD_ACR;
}
