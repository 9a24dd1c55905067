import { lookup as systemLookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { buildConnector } from 'undici';
import { EgressError } from './egress.js';
import { isAllowedAddress, normalizeHost, type AllowedAddresses } from './address-guard.js';

/** Resolves a host name to all its addresses. */
export type Lookup = (host: string) => Promise<readonly string[]>;
/** Opens the connection to an address that was checked. */
export type Connector = buildConnector.connector;

export const systemResolver: Lookup = async (host) =>
  (await systemLookup(host, { all: true, verbatim: true })).map(({ address }) => address);

/**
 * A connector that resolves once, checks every address, and connects to the address that it checked: there is no second
 * resolution that could answer otherwise (DNS rebinding), and an IP literal is checked like a name.
 */
export function guardedConnector(connect: Connector, resolve: Lookup, allowed: AllowedAddresses): Connector {
  return (options, callback) => {
    // oxlint-disable promise/always-return, promise/no-callback-in-promise -- connectors of undici answer by callback
    void addressOf(options.hostname, resolve, allowed).then(
      (address) => {
        // The certificate is still checked against the name.
        const servername =
          options.protocol === 'https:' && isIP(normalizeHost(options.hostname)) === 0
            ? normalizeHost(options.hostname)
            : options.servername;
        connect({ ...options, hostname: address, ...(servername === undefined ? {} : { servername }) }, callback);
      },
      (error: Error) => callback(error, null),
    );
    // oxlint-enable promise/always-return, promise/no-callback-in-promise
  };
}

async function addressOf(hostname: string, resolve: Lookup, allowed: AllowedAddresses): Promise<string> {
  const host = normalizeHost(hostname);
  const addresses = isIP(host) === 0 ? await resolveAll(host, resolve) : [host];
  const [first] = addresses;
  if (first === undefined) throw new EgressError('dns_failed');
  // One address that is not allowed spoils the name: which of them is used must not be a matter of luck.
  if (!addresses.every((address) => isAllowedAddress(host, address, allowed))) throw new EgressError('address_refused');
  return addresses.find((address) => isIP(address) === 4) ?? first;
}

async function resolveAll(host: string, resolve: Lookup): Promise<readonly string[]> {
  // RFC 6761 §6.3: localhost is loopback, whatever a resolver says.
  if (host === 'localhost' || host.endsWith('.localhost')) return resolve('localhost').catch(() => ['127.0.0.1']);
  try {
    return await resolve(host);
  } catch (cause) {
    throw new EgressError('dns_failed', { cause });
  }
}
