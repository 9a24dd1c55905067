/** One way to read what came as an id and a secret. */
export interface SecretReading {
  readonly clientId: string;
  readonly secret: string;
}

/**
 * OAuth form-url-encodes both parts of `Basic` first (RFC 6749 §2.3.1), HTTP sends them as they are (RFC 7617), and half
 * of all clients do not encode. Where that makes a difference both readings are tried: a secret with `+` or `%` proves
 * the same either way. What came is the first.
 */
export function secretReadings(presented: SecretReading): readonly SecretReading[] {
  const clientId = formDecoded(presented.clientId);
  const secret = formDecoded(presented.secret);
  if (clientId === undefined || secret === undefined) return [presented];
  if (clientId === presented.clientId && secret === presented.secret) return [presented];
  return [presented, { clientId, secret }];
}

function formDecoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}
