import { loadSettings, type Settings } from '../config/settings.js';
import { parseNetworkList } from '../config/network-rule.js';
import { EgressClient } from './egress.client.js';
import { EgressError } from './egress.js';
import type { Connector, Lookup } from './guarded-connector.js';

/**
 * No test here opens a connection: the connector only notes what it was asked for. Addresses that count as reachable
 * are documentation addresses, allowed by a rule.
 */
function recorder(
  answers: Readonly<Record<string, readonly (readonly string[])[]>>,
  allow = '192.0.2.0/24, 2001:db8::/32',
  issuer = 'https://id.example.com',
) {
  const connected: { readonly address: string; readonly port: string; readonly servername: string | undefined }[] = [];
  const resolved: string[] = [];
  const left = new Map(Object.entries(answers).map(([host, lists]) => [host, [...lists]]));
  const connect: Connector = ({ hostname, port, servername }, callback) => {
    connected.push({ address: hostname, port, servername: servername ?? undefined });
    callback(Object.assign(new Error('only noted'), { code: 'ECONNREFUSED' }), null);
  };
  const resolve: Lookup = (host) => {
    resolved.push(host);
    const addresses = left.get(host)?.shift();
    return addresses === undefined
      ? Promise.reject(Object.assign(new Error('no such host'), { code: 'ENOTFOUND' }))
      : Promise.resolve(addresses);
  };
  const settings: Settings = { ...loadSettings({}), issuer, egressAllow: parseNetworkList(allow) };
  const client = new EgressClient(settings, { resolve, connect });
  const codeOf = async (url: string): Promise<string> => {
    const error: unknown = await client
      .request({ method: 'POST', url, body: 'x', timeoutMs: 1000 })
      .catch((reason: unknown) => reason);
    if (!(error instanceof EgressError)) throw new Error('not refused by the guard');
    return error.code;
  };
  return { codeOf, connected, resolved };
}

describe('where a request may connect to (threat-model#address-from-the-request, threat-model#inner-addresses)', () => {
  it('resolves once, connects to the address that was checked, and keeps the name for the certificate', async () => {
    const { codeOf, connected, resolved } = recorder({ 'rp.example.com': [['192.0.2.7']] });
    expect(await codeOf('https://rp.example.com/logout')).toBe('connect_failed');
    expect(connected).toEqual([{ address: '192.0.2.7', port: '', servername: 'rp.example.com' }]);
    expect(resolved).toEqual(['rp.example.com']);
  });

  it('prefers IPv4 where a name has both, and takes IPv6 where it has nothing else', async () => {
    const both = recorder({ 'rp.example.com': [['2001:db8::7', '192.0.2.7']] });
    await both.codeOf('http://rp.example.com/');
    expect(both.connected).toMatchObject([{ address: '192.0.2.7' }]);
    const six = recorder({ 'rp.example.com': [['2001:db8::7']] });
    await six.codeOf('http://rp.example.com/');
    expect(six.connected).toMatchObject([{ address: '2001:db8::7' }]);
  });

  it('DNS rebinding: a name that turns inwards is refused at its next connection, and never asked about twice in one', async () => {
    const { codeOf, connected, resolved } = recorder({
      'rp.example.com': [['192.0.2.7'], ['127.0.0.1'], ['192.0.2.7']],
    });
    expect(await codeOf('http://rp.example.com/')).toBe('connect_failed');
    expect(await codeOf('http://rp.example.com/')).toBe('address_refused');
    expect(connected).toMatchObject([{ address: '192.0.2.7' }]);
    expect(resolved).toHaveLength(2);
  });

  it.each([
    ['a public and an inner one', ['192.0.2.7', '10.0.0.1']],
    ['an inner one first', ['169.254.169.254', '192.0.2.7']],
    ['an inner IPv6 one', ['192.0.2.7', 'fd00::1']],
  ])('one bad address spoils the name: %s', async (_name, addresses) => {
    const { codeOf, connected } = recorder({ 'rp.example.com': [addresses] });
    expect(await codeOf('http://rp.example.com/')).toBe('address_refused');
    expect(connected).toEqual([]);
  });

  it.each([
    '127.0.0.1',
    '10.0.0.1',
    '169.254.169.254',
    '::1',
    '::ffff:127.0.0.1',
    'fd00::1',
    '64:ff9b::7f00:1',
    '100.64.0.1',
    '0.0.0.0',
    'nonsense',
  ])('a name for %s is refused', async (address) => {
    const { codeOf, connected } = recorder({ 'rp.example.com': [[address]] });
    expect(await codeOf('http://rp.example.com/')).toBe('address_refused');
    expect(connected).toEqual([]);
  });

  it.each([
    'http://127.0.0.1/',
    'http://127.1/',
    'http://2130706433/',
    'http://0x7f000001/',
    'http://0177.0.0.1/',
    'http://0x7f.1/',
    'http://127.0.0.1./',
    'http://１２７.0.0.1/',
    'http://127。0。0。1/',
    'http://[::1]/',
    'http://[::ffff:7f00:1]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[0:0:0:0:0:0:0:1]/',
    'http://[64:ff9b::7f00:1]/',
    'http://[2002:7f00:1::]/',
    'http://0/',
    'http://0.0.0.0:80/',
    'http://[::]/',
    'http://169.254.169.254/latest/meta-data/',
    'http://[fd00:ec2::254]/latest/meta-data/',
    'https://10.0.0.1/',
    'http://192.168.1.1:8080/',
  ])('the literal of %s is refused without a look-up', async (url) => {
    const { codeOf, connected, resolved } = recorder({});
    expect(await codeOf(url)).toBe('address_refused');
    expect([connected, resolved]).toEqual([[], []]);
  });

  it.each(['localhost', 'LOCALHOST', 'app.localhost', 'a.b.localhost'])(
    '%s is loopback whatever a resolver says (RFC 6761 §6.3)',
    async (host) => {
      const { codeOf, connected } = recorder({ [host.toLowerCase()]: [['192.0.2.7']], localhost: [['127.0.0.1']] });
      expect(await codeOf(`http://${host}/`)).toBe('address_refused');
      expect(connected).toEqual([]);
    },
  );

  it('loopback is open while the issuer itself is there, and nothing else inside is', async () => {
    const local = recorder({ 'inner.example.com': [['10.0.0.1']] }, '', 'http://localhost:3000');
    expect(await local.codeOf('http://127.0.0.1:4000/')).toBe('connect_failed');
    expect(await local.codeOf('http://[::1]:4000/')).toBe('connect_failed');
    expect(local.connected).toMatchObject([
      { address: '127.0.0.1', port: '4000' },
      { address: '::1', port: '4000' },
    ]);
    expect(await local.codeOf('http://inner.example.com/')).toBe('address_refused');
    expect(await local.codeOf('http://169.254.169.254/')).toBe('address_refused');
    expect(local.connected).toHaveLength(2);
  });

  it('a host that is allowed by name may be inside; another name for the same address may not', async () => {
    const { codeOf, connected } = recorder(
      { 'apps.internal': [['10.2.0.5']], 'evil.example.com': [['10.2.0.5']] },
      'apps.internal',
    );
    expect(await codeOf('http://apps.internal/')).toBe('connect_failed');
    expect(await codeOf('http://evil.example.com/')).toBe('address_refused');
    expect(connected).toMatchObject([{ address: '10.2.0.5' }]);
  });

  it.each<[string, Record<string, string[][]>]>([
    ['does not exist', {}],
    ['has no address', { 'rp.example.com': [[]] }],
  ])('a name that %s is a failed look-up', async (_name, answers) => {
    const { codeOf, connected } = recorder(answers);
    expect(await codeOf('http://rp.example.com/')).toBe('dns_failed');
    expect(connected).toEqual([]);
  });

  it.each([
    'ftp://rp.example.com/',
    'file:///etc/passwd',
    'data:text/plain,x',
    'http://user:pw@rp.example.com/',
    'http://user@rp.example.com/',
    '/relative',
    '',
    'http://',
  ])('no request goes to "%s"', async (url) => {
    const { codeOf, connected, resolved } = recorder({ 'rp.example.com': [['192.0.2.7']] });
    expect(await codeOf(url)).toBe('invalid_url');
    expect([connected, resolved]).toEqual([[], []]);
  });

  it('says nothing about the other side in its error', async () => {
    const { codeOf } = recorder({ 'rp.example.com': [['10.9.8.7']] });
    expect(await codeOf('http://rp.example.com/?secret=1')).toBe('address_refused');
    const error = new EgressError('address_refused', { cause: new Error('10.9.8.7') });
    expect(error.message).toBe('outgoing request failed: address_refused');
  });
});
