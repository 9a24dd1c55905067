const MAX_LENGTH = 320;
const LOCAL_PART = /^(?:[^\s"(),:;<>@[\\\]\p{Cc}]+|"(?:[^"\\\p{Cc}]|\\[\x20-\x7e])+")$/u;
const LABEL = '[\\p{L}\\p{N}](?:[\\p{L}\\p{M}\\p{N}-]{0,61}[\\p{L}\\p{M}\\p{N}])?';
const DOMAIN = new RegExp(`^(?:${LABEL}(?:\\.${LABEL})*|\\[[0-9A-Za-z.:]+\\])$`, 'u');

/**
 * Whether a text is an e-mail address, as far as that can be seen: a local part and a domain, which may be a name
 * without a dot or an address literal (RFC 5322 §3.4.1), in any script (RFC 6531 §3.3). Whether mail is read there is
 * another question.
 */
export function isEmailAddress(text: string): boolean {
  const at = text.lastIndexOf('@');
  return (
    text.length <= MAX_LENGTH && LOCAL_PART.test(text.slice(0, Math.max(0, at))) && DOMAIN.test(text.slice(at + 1))
  );
}
