import { InvalidClientError } from '../../../platform/oidc/errors.js';
import { secretReadings, type SecretReading } from './secret-readings.js';

/**
 * What `Authorization: Basic` brings, as OAuth reads it first, then as it came; none where it was not sent.
 * @throws InvalidClientError for one without a colon
 */
export function basicReadings(header: string | undefined): readonly SecretReading[] {
  const basic = parseBasic(header);
  return basic === undefined ? [] : secretReadings(basic).toReversed();
}

/** RFC 6749 §2.3.1: an empty secret may as well be left out. Then it is a name and proves nothing. */
export function isNameOnly(readings: readonly SecretReading[]): boolean {
  return readings.at(-1)?.secret === '';
}

/** What `Basic` brings, as it came. */
function parseBasic(header: string | undefined): SecretReading | undefined {
  const match = /^basic +([A-Za-z0-9+/_=-]*) *$/i.exec(header ?? '');
  if (match === null) return undefined;
  const text = Buffer.from(match[1] ?? '', 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 0) throw new InvalidClientError('The Authorization header is not valid.');
  return { clientId: text.slice(0, colon), secret: text.slice(colon + 1) };
}
