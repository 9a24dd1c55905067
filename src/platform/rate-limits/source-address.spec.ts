import { siteOf, subscriberOf } from './source-address.js';

describe('whom an address stands for', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['::ffff:c000:207', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:db8:1:2:ffff:ffff:ffff:ffff', '2001:db8:1:2::/64'],
    ['fe80::1%eth0', 'fe80::/64'],
    ['::1', '::/64'],
    ['', ''],
    ['unknown', 'unknown'],
  ])('%s: %s', (address, subscriber) => expect(subscriberOf(address)).toBe(subscriber));

  it.each([
    ['192.0.2.7', undefined],
    ['::ffff:192.0.2.7', undefined],
    ['2001:db8:1:2ff:3::', '2001:db8:1:200::/56'],
    ['2001:db8:1:200::1', '2001:db8:1:200::/56'],
    ['unknown', undefined],
  ])('the site of %s: %s', (address, site) => expect(siteOf(address)).toBe(site));
});
