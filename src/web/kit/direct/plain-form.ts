/** Printable ASCII. Brackets, also encoded ones, would have parsers of nested forms look at them. */
const PLAIN = /^[\x21-\x5a\x5c\x5e-\x7e]*$/;
const BRACKET = /%5[bd]/i;
const NAME = /^[A-Za-z_][\w.-]*$/;
const MAX_MEMBERS = 1000;

/**
 * The members of a form (`application/x-www-form-urlencoded`) that can be read in one way only:
 * ASCII, each name simple and sent once, every escape well-formed UTF-8.
 *
 * @returns undefined for every other form, and that is no judgement of it
 */
export function plainForm(body: Buffer): Record<string, string> | undefined {
  const text = body.toString('latin1');
  if (!PLAIN.test(text) || BRACKET.test(text)) return undefined;
  const form: Record<string, string> = {};
  if (text === '') return form;
  const members = text.split('&');
  if (members.length > MAX_MEMBERS) return undefined;
  for (const member of members) {
    const at = member.indexOf('=');
    const name = member.slice(0, at);
    // `in` finds repeats and what every object has.
    if (at === -1 || !NAME.test(name) || name in form) return undefined;
    const value = decoded(member.slice(at + 1));
    if (value === undefined) return undefined;
    form[name] = value;
  }
  return form;
}

function decoded(text: string): string | undefined {
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text;
  if (!spaced.includes('%')) return spaced;
  try {
    return decodeURIComponent(spaced);
  } catch {
    // Parsers differ on these.
    return undefined;
  }
}
