import { followableUrl, hostOf, webUrl } from './safe-urls.js';

describe('webUrl', () => {
  it.each(['https://app.example/logo.png', 'http://localhost:3000/', 'HTTPS://APP.EXAMPLE/?a=1&b=2'])(
    'keeps %s',
    (url) => {
      expect(webUrl(url)).toBe(url);
    },
  );

  it.each([
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    ' javascript:alert(1)',
    'java\nscript:alert(1)',
    '\u0001javascript:alert(1)',
    'data:text/html,<script>alert(1)</script>',
    'vbscript:msgbox',
    'file:///etc/passwd',
    'com.example.app:/signed-out',
    '//app.example/logo.png',
    '/logo.png',
    '',
    'no address',
    undefined,
  ])('drops %j', (url) => {
    expect(webUrl(url)).toBeUndefined();
  });
});

describe('followableUrl', () => {
  it.each(['https://app.example/bye?state=1', 'http://127.0.0.1:8080/', 'com.example.app:/signed-out'])(
    'keeps %s',
    (url) => {
      expect(followableUrl(url)).toBe(url);
    },
  );

  it.each([
    'javascript:alert(1)',
    ' java\tscript:alert(1)',
    'data:text/html,x',
    'vbscript:x',
    'blob:https://app.example/1',
    'file:///etc/passwd',
    'view-source:https://app.example',
    'about:blank',
    '/relative',
    undefined,
  ])('drops %j', (url) => {
    expect(followableUrl(url)).toBeUndefined();
  });
});

it('names the host with its port', () => {
  expect(hostOf('https://app.example:8443/a?b#c')).toBe('app.example:8443');
});
