import {
  accountName,
  clientName,
  compactDuration,
  counted,
  exactTime,
  initialOf,
  plainName,
  readableTime,
  upstreamName,
  waitingTime,
} from './words.js';

describe('plainName', () => {
  it.each([
    ['Acme', 'Acme'],
    ['  Acme  ', 'Acme'],
    ['moc.live\u202eAcme\u202c', 'moc.live Acme'],
    ['Acme\u0000\r\nInc', 'Acme   Inc'],
    ['\u2066Acme\u2069', 'Acme'],
    ['حسابات', 'حسابات'],
  ])('%j reads %j', (name, expected) => {
    expect(plainName(name)).toBe(expected);
  });
});

it('has a noun for an application without a usable name', () => {
  expect(clientName({ name: '\u202e ' })).toBe('the application');
});

it('has a noun for a provider without a usable name', () => {
  expect(upstreamName({ name: '\u202e ' })).toBe('the other provider');
  expect(upstreamName({ name: '\u202eCorporate SSO\u202c' })).toBe('Corporate SSO');
});

describe('accountName', () => {
  it.each([
    [{ login: 'ada@example.org' }, 'ada@example.org'],
    [{ login: 'ada@example.org', name: 'Ada Lovelace' }, 'Ada Lovelace (ada@example.org)'],
    [{ login: 'ada', name: 'ada' }, 'ada'],
    [{ login: 'ada', name: ' ' }, 'ada'],
  ])('%j', (account, expected) => {
    expect(accountName(account)).toBe(expected);
  });
});

describe('initialOf', () => {
  it.each([
    ['acme', 'A'],
    ['"><script>', 'S'],
    ['žofín', 'Ž'],
    ['𝒜cme', '𝒜'],
    ['7 Sisters', '7'],
    ['☕', ''],
  ])('%s has %j', (name, expected) => {
    expect(initialOf(name)).toBe(expected);
  });
});

it('counts one and many', () => {
  expect([counted(0, 'day', 'days'), counted(1, 'day', 'days'), counted(2, 'day', 'days')]).toEqual([
    '0 days',
    '1 day',
    '2 days',
  ]);
});

describe('waitingTime', () => {
  it.each([
    [0, '1 second'],
    [1.2, '2 seconds'],
    [59, '59 seconds'],
    [60, 'about 1 minute'],
    [61, 'about 2 minutes'],
    [290, 'about 5 minutes'],
    [3600, 'about 1 hour'],
    [3601, 'about 2 hours'],
  ])('%d s is %s', (seconds, expected) => {
    expect(waitingTime(seconds)).toBe(expected);
  });
});

it('tells times in UTC, whatever the zone of the server', () => {
  expect(readableTime(new Date('2026-09-04T00:05:59Z'))).toBe('4 September 2026, 00:05 UTC');
});

describe('compactDuration', () => {
  it.each([
    [0, '0 ms'],
    [0.0496, '50 ms'],
    [0.9996, '1 s'],
    [1.24, '1.2 s'],
    [9.96, '10 s'],
    [59.6, '1 min'],
    [65, '1 min 5 s'],
    [3600, '1 h'],
    [7399, '2 h 3 min'],
    [90_000, '1 d 1 h'],
  ])('%d seconds are "%s"', (seconds, words) => {
    expect(compactDuration(seconds)).toBe(words);
  });
});

it('exactTime has seconds and names its zone', () => {
  expect(exactTime(new Date('2026-08-28T14:05:09Z'))).toBe('14:05:09 UTC, 28 Aug 2026');
});
