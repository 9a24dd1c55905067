import ipaddr from 'ipaddr.js';

/** A host name (exact, lower case) or a network that outgoing requests may reach although it is not public. */
export type NetworkRule =
  | { readonly kind: 'host'; readonly host: string }
  | { readonly kind: 'network'; readonly address: string; readonly bits: number };

/**
 * Parses `EXEUNT_EGRESS_ALLOW`: comma-separated host names, addresses and CIDR networks,
 * such as `apps.internal, 10.2.0.0/16, fd00::/8`.
 */
export function parseNetworkList(text: string): NetworkRule[] {
  return text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
    .map(parseNetworkRule);
}

function parseNetworkRule(entry: string): NetworkRule {
  if (entry.includes('/')) {
    if (!ipaddr.isValidCIDR(entry)) throw new Error(`has an entry that is no network: ${entry}`);
    const [address, bits] = ipaddr.parseCIDR(entry);
    return { kind: 'network', address: address.toString(), bits };
  }
  if (ipaddr.isValid(entry)) {
    const address = ipaddr.parse(entry);
    return { kind: 'network', address: address.toString(), bits: address.kind() === 'ipv4' ? 32 : 128 };
  }
  if (!/^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i.test(entry)) {
    throw new Error(`has an entry that is neither a host nor a network: ${entry}`);
  }
  return { kind: 'host', host: entry.toLowerCase() };
}
