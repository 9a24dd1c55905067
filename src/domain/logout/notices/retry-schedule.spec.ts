import { parseRetryAfter } from './back-channel-logout.client.js';
import { retryDelayMs } from './retry-schedule.js';

describe('when a notice is tried again (Back-Channel Logout 1.0 §2.5)', () => {
  it.each([
    [1, 2_000],
    [2, 4_000],
    [3, 8_000],
    [9, 512_000],
    [10, 900_000],
    [50, 900_000],
    [5_000, 900_000],
  ])('after attempt %i: %i ms, or up to a quarter less', (attempts, longest) => {
    expect(retryDelayMs(attempts, undefined, 0)).toBe(longest);
    expect(retryDelayMs(attempts, undefined, 1)).toBe(longest * 0.75);
  });

  it('never sooner than the application asked, and not sooner than planned because it asked for less', () => {
    expect(retryDelayMs(1, 60_000, 0)).toBe(60_000);
    expect(retryDelayMs(5, 1_000, 0)).toBe(32_000);
  });
});

describe('Retry-After (RFC 9110 §10.2.3)', () => {
  const NOW = Date.UTC(2026, 2, 1, 12, 0, 0);

  it.each([
    ['120', 120_000],
    [' 7 ', 7_000],
    ['Sun, 01 Mar 2026 12:05:00 GMT', 300_000],
    ['3600', 3_600_000],
    ['3601', 3_600_000],
    ['999999999', 3_600_000],
    ['Sun, 01 Mar 2099 12:00:00 GMT', 3_600_000],
  ])('"%s" is %i ms', (value, ms) => {
    expect(parseRetryAfter(value, NOW)).toBe(ms);
  });

  it.each([undefined, '', '0', '-5', '1.5e99', 'soon', 'Sun, 01 Mar 2026 11:59:59 GMT', 'NaN', '99999999999999999999'])(
    '"%s" says nothing',
    (value) => {
      expect(parseRetryAfter(value, NOW)).toBeUndefined();
    },
  );
});
