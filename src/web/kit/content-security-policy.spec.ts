import { contentSecurityPolicy } from './content-security-policy.js';
import { headerUrl } from './http-response.js';

const NONCE = 'bm9uY2U=';

describe('the policy of a page is made of checked tokens', () => {
  const HOSTILE = [
    'https://a;frame-ancestors',
    'https://a;sandbox',
    'https://evil.invalid,frame-src',
    'https://a report-uri',
    "https://a'unsafe-inline'",
    'https://a"',
    'https://a\tb',
    'https://a\nb',
    `https://${'a'.repeat(2000)}`,
    '*',
    "'unsafe-eval'",
    'data:text/html,x',
  ];

  it.each(HOSTILE)('leaves out %s wherever a client may name a source, and keeps the others', (source) => {
    const list = ['https://good.example', source, 'http://localhost:5102'];
    const policy = contentSecurityPolicy({ nonce: NONCE, images: list, frames: list, live: true });
    const good = contentSecurityPolicy({
      nonce: NONCE,
      ...Object.fromEntries(
        ['images', 'frames'].map((name) => [name, ['https://good.example', 'http://localhost:5102']]),
      ),
      live: true,
    });
    expect(policy).toBe(good);
    expect(policy).toContain('frame-src https://good.example http://localhost:5102');
  });

  it('says who may frame it before anything that a client brings', () => {
    const policy = contentSecurityPolicy({ nonce: NONCE, images: ['https://a.example'] });
    expect(policy.indexOf("frame-ancestors 'none'")).toBeLessThan(policy.indexOf('https://a.example'));
  });

  it('stays within what proxies take, however many sources there are', () => {
    const many = Array.from({ length: 200 }, (_, n) => `https://${'a'.repeat(60)}.${n}.example`);
    const policy = contentSecurityPolicy({ nonce: NONCE, images: many, frames: [...many, 'http://localhost:1'] });
    expect(policy.length).toBeLessThan(8000);
    expect(policy).toContain('frame-src https: http:');
  });
});

it.each([
  ['https://a.example/?x=1', 'https://a.example/?x=1'],
  ['https://a.example/\r\nSet-Cookie: a=b', 'https://a.example/%0D%0ASet-Cookie:%20a=b'],
  ['https://a.example/\u00e4\u{1F680}', 'https://a.example/%C3%A4%F0%9F%9A%80'],
  ['https://a.example/\ud800', 'https://a.example/%EF%BF%BD'],
])('headerUrl(%j) is %s', (url, expected) => {
  expect(headerUrl(url)).toBe(expected);
});
