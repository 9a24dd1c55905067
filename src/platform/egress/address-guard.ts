import ipaddr from 'ipaddr.js';
import type { NetworkRule } from '../config/network-rule.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** IPv6 prefixes whose last 32 bits (or some inner ones) are an IPv4 address that a gateway would connect to. */
const NAT64 = ipaddr.parseCIDR('64:ff9b::/96');
const NAT64_LOCAL = ipaddr.parseCIDR('64:ff9b:1::/48');
const GLOBAL_UNICAST_V6 = ipaddr.parseCIDR('2000::/3');

/**
 * Whether an address is one of the public internet. Everything else (loopback, private, link-local with the cloud's
 * metadata service, carrier-grade NAT, multicast, documentation, and IPv6 forms that carry an inner IPv4) is not.
 *
 * @see IANA IPv4 and IPv6 Special-Purpose Address Registries (RFC 6890); docs/threat-model.md#inner-addresses
 */
export function isPublicAddress(text: string): boolean {
  const address = parse(text);
  if (address === undefined) return false;
  if (address.kind() === 'ipv4') return address.range() === 'unicast';
  const v6 = address as ipaddr.IPv6;
  if (v6.match(NAT64)) return isPublicAddress(v6.toByteArray().slice(12).join('.'));
  if (v6.match(NAT64_LOCAL) || !v6.match(GLOBAL_UNICAST_V6)) return false;
  // 6to4, Teredo, ORCHID, documentation and the like have a range of their own.
  return v6.range() === 'unicast';
}

export interface AllowedAddresses {
  readonly rules: readonly NetworkRule[];
  /** Loopback counts as allowed: the issuer itself is there. */
  readonly loopback: boolean;
}

/** Whether a connection to this address of this host may be opened. */
export function isAllowedAddress(host: string, text: string, allowed: AllowedAddresses): boolean {
  if (isPublicAddress(text)) return true;
  const address = parse(text);
  if (address === undefined) return false;
  if (allowed.loopback && address.range() === 'loopback') return true;
  const name = normalizeHost(host);
  return allowed.rules.some((rule) =>
    rule.kind === 'host' ? rule.host === name : isInNetwork(address, rule.address, rule.bits),
  );
}

/** Lower case, without the root's dot and the brackets of an IPv6 literal. */
export function normalizeHost(host: string): string {
  return host
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '');
}

function isInNetwork(address: Address, network: string, bits: number): boolean {
  const range = ipaddr.parse(network);
  return address.kind() === range.kind() && address.match(range, bits);
}

/** An IPv4-mapped IPv6 address is the IPv4 address that it reaches. */
function parse(text: string): Address | undefined {
  return ipaddr.isValid(text) ? ipaddr.process(text) : undefined;
}
