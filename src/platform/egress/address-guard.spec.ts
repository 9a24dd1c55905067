import { parseNetworkList } from '../config/network-rule.js';
import { isAllowedAddress, isPublicAddress, normalizeHost } from './address-guard.js';

describe('addresses that are not of the public internet (RFC 6890; threat-model#inner-addresses)', () => {
  it.each([
    ['loopback', ['127.0.0.1', '127.0.0.53', '127.255.255.255', '::1', '0:0:0:0:0:0:0:1']],
    ['loopback in other spellings', ['2130706433', '0x7f000001', '0x7f.0.0.1', '0177.0.0.1', '127.1']],
    ['this host', ['0.0.0.0', '0.1.2.3', '::']],
    ['private', ['10.0.0.1', '10.255.255.255', '172.16.0.1', '172.31.255.255', '192.168.0.1', '192.168.255.255']],
    [
      'link-local, with the metadata service of clouds',
      ['169.254.0.1', '169.254.169.254', 'fe80::1', 'fe80::a9fe:a9fe', 'febf::1', 'fe80::1%eth0'],
    ],
    ['unique local, with the metadata service of one cloud', ['fc00::1', 'fd00::1', 'fd00:ec2::254', 'fdff::1']],
    ['site-local of old', ['fec0::1']],
    [
      'carrier-grade NAT, with the metadata service of another cloud',
      ['100.64.0.1', '100.100.100.200', '100.127.255.255'],
    ],
    ['multicast', ['224.0.0.1', '239.255.255.255', 'ff02::1', 'ff0e::1']],
    ['broadcast and reserved', ['255.255.255.255', '240.0.0.1']],
    ['documentation', ['192.0.2.1', '198.51.100.1', '203.0.113.1', '2001:db8::1', '3fff::1']],
    [
      'protocol assignments, benchmarks, 6to4 relays',
      ['192.0.0.1', '192.0.0.170', '198.18.0.1', '198.19.255.255', '192.88.99.1', '2001:2::1'],
    ],
    [
      'IPv4-mapped',
      ['::ffff:127.0.0.1', '::ffff:7f00:1', '::FFFF:10.0.0.1', '::ffff:a9fe:a9fe', '0:0:0:0:0:ffff:c0a8:1'],
    ],
    ['IPv4-compatible and IPv4-translated', ['::127.0.0.1', '::7f00:1', '::ffff:0:127.0.0.1', '::ffff:0:8.8.8.8']],
    ['NAT64 to an inner address', ['64:ff9b::7f00:1', '64:ff9b::10.0.0.1', '64:ff9b::a9fe:a9fe']],
    ['NAT64 of a local network', ['64:ff9b:1::1', '64:ff9b:1::808:808']],
    ['6to4', ['2002:7f00:1::', '2002:c0a8:101::1', '2002:808:808::1']],
    ['Teredo', ['2001::1', '2001:0:4136:e378:8000:63bf:3fff:fdd2']],
    ['ORCHID', ['2001:10::1', '2001:20::1']],
    ['discard-only and segment routing', ['100::1', '5f00::1']],
    ['no address at all', ['', 'localhost', 'example.com', '1.2.3.4.5', '256.1.1.1', '::g', '[::1]']],
  ])('%s', (_kind, addresses) => {
    expect(addresses.filter(isPublicAddress)).toEqual([]);
  });

  it('are few among all: these are public', () => {
    const some = [
      '8.8.8.8',
      '9.255.255.255',
      '11.0.0.0',
      '172.15.255.255',
      '172.32.0.1',
      '100.63.255.255',
      '2606:4700::1111',
      '2a00:1450::1',
    ];
    expect(some.filter((address) => !isPublicAddress(address))).toEqual([]);
    expect(isPublicAddress('::ffff:8.8.8.8')).toBe(true);
    expect(isPublicAddress('64:ff9b::808:808')).toBe(true);
  });
});

describe('addresses that are allowed although not public (EXEUNT_EGRESS_ALLOW)', () => {
  const allow = (list: string, loopback = false) => ({ rules: parseNetworkList(list), loopback });

  it.each([
    ['nothing', '', 'apps.internal', '10.2.3.4', false],
    ['its network', '10.2.0.0/16', 'apps.internal', '10.2.3.4', true],
    ['a neighbouring network', '10.3.0.0/16', 'apps.internal', '10.2.3.4', false],
    ['its very address', '10.2.3.4', 'apps.internal', '10.2.3.4', true],
    ['the address one further', '10.2.3.5', 'apps.internal', '10.2.3.4', false],
    ['its network, reached by an IPv4-mapped address', '10.2.0.0/16', 'apps.internal', '::ffff:10.2.3.4', true],
    ['its IPv6 network', 'fd00::/8', 'apps.internal', 'fd12::1', true],
    ['an IPv6 network for an IPv4 address', '::/0', 'apps.internal', '10.2.3.4', false],
    ['an IPv4 network for an IPv6 address', '0.0.0.0/0', 'apps.internal', 'fd12::1', false],
    ['its name', 'apps.internal', 'apps.internal', '10.2.3.4', true],
    ['its name in capitals and with the root’s dot', 'Apps.Internal', 'APPS.internal.', '10.2.3.4', true],
    ['the name of its parent: names are exact', 'internal', 'apps.internal', '10.2.3.4', false],
    ['a name that it only begins with', 'apps.internal', 'apps.internal.evil.example', '10.2.3.4', false],
    ['several entries with blanks', ' x.internal , 10.2.0.0/16 ', 'apps.internal', '10.2.3.4', true],
    ['the metadata service, not named', '10.0.0.0/8', 'apps.internal', '169.254.169.254', false],
    ['its name, but with nonsense for an address', 'apps.internal', 'apps.internal', 'nonsense', false],
  ])('with %s: "%s" for %s at %s is %s', (_name, list, host, address, allowed) => {
    expect(isAllowedAddress(host, address, allow(list))).toBe(allowed);
  });

  it('loopback only while the issuer itself is there', () => {
    for (const address of ['127.0.0.1', '::1', '::ffff:127.0.0.1']) {
      expect(isAllowedAddress('localhost', address, allow('', true))).toBe(true);
      expect(isAllowedAddress('localhost', address, allow('', false))).toBe(false);
    }
    for (const address of ['10.0.0.1', '169.254.169.254', '0.0.0.0', '::']) {
      expect(isAllowedAddress('localhost', address, allow('', true))).toBe(false);
    }
  });

  it.each([
    ['[::1]', '::1'],
    ['LOCALHOST.', 'localhost'],
    ['127.0.0.1', '127.0.0.1'],
  ])('compares %s as %s', (host, name) => {
    expect(normalizeHost(host)).toBe(name);
  });
});
