import { InvalidRequestError } from '../../platform/oidc/errors.js';

/** Runs of neighbours ("abcdefgh", "87654321"), and a few characters over and over ("00000000", "abcabcabc"). */
const REPEATED = /^(.{1,8})\1+$/u;

/**
 * The form in which a password is hashed, so that it is one password on every device: composed or decomposed, full width
 * or half, whichever space the keyboard has (NIST SP 800-63B §3.1.1.2: NFKC; RFC 8265 §4.2.2: spaces).
 */
export function normalPassword(password: string): string {
  return password.replace(/\p{Zs}/gu, ' ').normalize('NFKC');
}

/**
 * What a typed password may have been hashed as, the likeliest first: its normal form, and for hashes that are older than
 * that the text as it came, composed and decomposed. For ASCII that is one.
 */
export function readingsOf(password: string): readonly string[] {
  return [...new Set([normalPassword(password), password, password.normalize('NFC'), password.normalize('NFD')])];
}

/**
 * Refuses passwords that guessers try first (NIST SP 800-63B §3.1.1.2): those on the list, however capitalised, repeated
 * or running characters, and the names of the account itself. Hashes that exist are not asked.
 * @throws InvalidRequestError
 */
export async function refuseGuessable(password: string, names: readonly unknown[]): Promise<void> {
  const text = normalPassword(password).toLowerCase();
  if ((await commonPasswords()).has(text) || REPEATED.test(text) || isRun(text))
    throw new InvalidRequestError(
      'This password is among the first that somebody would guess. Please choose another one.',
    );
  const own = names.filter((name) => typeof name === 'string').map((name) => normalPassword(name).toLowerCase());
  if (own.some((name) => name === text))
    throw new InvalidRequestError('The password must not be the name of the account. Please choose another one.');
}

/** Each character next to the one before it, in one direction. */
function isRun(text: string): boolean {
  const codes = [...text].map((character) => character.codePointAt(0) ?? 0);
  const steps = new Set(codes.slice(1).map((code, index) => code - (codes[index] ?? 0)));
  return steps.size === 1 && (steps.has(1) || steps.has(-1));
}

let list: Promise<ReadonlySet<string>> | undefined;

/** Some 50,000, in lower case; read when the first password is set, and kept. */
function commonPasswords(): Promise<ReadonlySet<string>> {
  list ??= import('@zxcvbn-ts/language-common').then(({ dictionary }) => new Set(dictionary['passwords-common']));
  return list;
}
