import { deviceName } from './device-name.js';

const WEBKIT = 'AppleWebKit/537.36 (KHTML, like Gecko)';
const APPLE = 'AppleWebKit/605.1.15 (KHTML, like Gecko)';
const WINDOWS = `Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${WEBKIT}`;

describe('deviceName', () => {
  it.each([
    ['Firefox on Linux', 'Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0'],
    ['Firefox on Android', 'Mozilla/5.0 (Android 15; Mobile; rv:142.0) Gecko/142.0 Firefox/142.0'],
    [
      'Firefox on iPhone',
      `Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) ${APPLE} FxiOS/142.0 Mobile/15E148 Safari/605.1.15`,
    ],
    ['Firefox on iPad', `Mozilla/5.0 (Macintosh; Intel Mac OS X 14.6) ${APPLE} FxiOS/142.0 Safari/605.1.15`],
    ['Chrome on Windows', `${WINDOWS} Chrome/139.0.0.0 Safari/537.36`],
    ['Chrome on Android', `Mozilla/5.0 (Linux; Android 10; K) ${WEBKIT} Chrome/139.0.0.0 Mobile Safari/537.36`],
    ['Chrome on ChromeOS', `Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) ${WEBKIT} Chrome/139.0.0.0 Safari/537.36`],
    ['Chrome on macOS', `Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) ${WEBKIT} Chrome/139.0.0.0 Safari/537.36`],
    [
      'Chrome on iPhone',
      `Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) ${APPLE} CriOS/139.0 Mobile/15E148 Safari/604.1`,
    ],
    ['Chrome on Linux', `Mozilla/5.0 (X11; Linux x86_64) ${WEBKIT} HeadlessChrome/139.0.0.0 Safari/537.36`],
    ['Edge on Windows', `${WINDOWS} Chrome/139.0.0.0 Safari/537.36 Edg/139.0.0.0`],
    [
      'Edge on Android',
      `Mozilla/5.0 (Linux; Android 10; K) ${WEBKIT} Chrome/139.0.0.0 Mobile Safari/537.36 EdgA/139.0.0.0`,
    ],
    ['Opera on Windows', `${WINDOWS} Chrome/138.0.0.0 Safari/537.36 OPR/122.0.0.0`],
    ['Vivaldi on Windows', `${WINDOWS} Chrome/138.0.0.0 Safari/537.36 Vivaldi/7.5`],
    [
      'Samsung Internet on Android',
      `Mozilla/5.0 (Linux; Android 10; K) ${WEBKIT} SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36`,
    ],
    [
      'Safari on iPhone',
      `Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) ${APPLE} Version/18.6 Mobile/15E148 Safari/604.1`,
    ],
    ['Safari on Mac or iPad', `Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) ${APPLE} Version/18.6 Safari/605.1.15`],
    ['curl', 'curl/8.15.0'],
    ['Unknown browser on Android', 'Dalvik/2.1.0 (Linux; U; Android 15; Pixel 9 Build/BP1A)'],
    ['Unknown device', 'python-requests/2.32.5'],
    ['Unknown device', '<script>alert(1)</script>'],
    ['Unknown device', ''],
    ['Unknown device', undefined],
    ['Unknown device', `${'x'.repeat(100_000)} Firefox/142.0`],
  ])('says %s', (label, userAgent) => {
    expect(deviceName(userAgent)).toBe(label);
  });
});
