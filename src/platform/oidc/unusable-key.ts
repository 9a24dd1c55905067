/**
 * Whether a signature could not be checked because the key is none: wrong types, a point off the curve, a modulus that is
 * too short. Then jose and Web Crypto throw what is no `JOSEError`. Whose key it is, is the owner's mistake and not ours.
 */
export function isUnusableKey(error: unknown): boolean {
  return error instanceof DOMException || error instanceof TypeError;
}
