import type { AccountView, ClientView, UpstreamView } from './views.js';

/**
 * A name as people may read it. Control characters and the overrides of writing direction go, because a registered
 * name could otherwise turn the rest of our sentence around. Names in scripts
 * written from right to left are untouched: they need no override.
 */
export function plainName(name: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what this removes
  return name.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, ' ').trim();
}

/** "Acme", or a plain noun when an application registered without a usable name. */
export function clientName(client: Pick<ClientView, 'name'>): string {
  return plainName(client.name) || 'the application';
}

/** "Corporate SSO", or a plain noun when a provider was set up without a usable name. */
export function upstreamName(upstream: UpstreamView): string {
  return plainName(upstream.name) || 'the other provider';
}

/** "Ada Lovelace (ada@example.org)", or the login alone when no other name is known. */
export function accountName(account: AccountView): string {
  const login = plainName(account.login);
  const name = plainName(account.name ?? '');
  return name === '' || name === login ? login : `${name} (${login})`;
}

/** The first letter of a name, for the tile that stands in for a missing logo. */
export function initialOf(name: string): string {
  const [first = ''] = Array.from(name.replace(/[^\p{L}\p{N}]/gu, ''));
  return first.toUpperCase();
}

/** `1 application`, `3 applications`. */
export function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** "about 5 minutes": rounded up, so that who waits that long does not come too early. */
export function waitingTime(seconds: number): string {
  const whole = Math.max(1, Math.ceil(seconds));
  if (whole < 60) {
    return counted(whole, 'second', 'seconds');
  }
  const minutes = Math.ceil(whole / 60);
  return minutes < 60
    ? `about ${counted(minutes, 'minute', 'minutes')}`
    : `about ${counted(Math.ceil(minutes / 60), 'hour', 'hours')}`;
}

/** "28 August 2026, 14:05 UTC". The page knows no time zone without a script, so it names the one it uses. */
export function readableTime(instant: Date): string {
  return `${UTC_TIME.format(instant).replace(' at ', ', ')} UTC`;
}

const UTC_TIME = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'UTC',
  day: 'numeric',
  month: 'long',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
});

/** "14:05:09 UTC, 28 Aug 2026": for tables, where seconds matter. */
export function exactTime(instant: Date): string {
  return `${UTC_CLOCK.format(instant)} UTC, ${UTC_DATE.format(instant)}`;
}

const UTC_CLOCK = new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', timeStyle: 'medium' });
const UTC_DATE = new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', dateStyle: 'medium' });

/** "40 ms", "1.2 s", "1 min 5 s", "2 h 3 min", "1 d 4 h": two digits or two units, which is what one reads. */
export function compactDuration(seconds: number): string {
  if (seconds < 0.9995) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 9.95) return `${Math.round(seconds * 10) / 10} s`;
  const whole = Math.round(seconds);
  for (const [unit, size, smaller, part] of UNITS) {
    if (whole < size) continue;
    const rest = Math.floor((whole % size) / part);
    return `${Math.floor(whole / size)} ${unit}${rest === 0 ? '' : ` ${rest} ${smaller}`}`;
  }
  return `${whole} s`;
}

const UNITS = [
  ['d', 86_400, 'h', 3600],
  ['h', 3600, 'min', 60],
  ['min', 60, 's', 1],
] as const;
