import ipaddr from 'ipaddr.js';
import { LRUCache } from 'lru-cache';

/** What one subscriber of an internet provider has, and what a generous one gives to a site (RFC 6177 §2). */
const SUBSCRIBER_BITS = 64;
const SITE_BITS = 56;

/** Subscribers by address: the same few ask again and again, and reading an address costs more than the rest of counting. */
const subscribers = new LRUCache<string, string>({ max: 10_000 });
/** No address is longer, with a zone; other text is not kept. */
const LONGEST_ADDRESS = 64;

/**
 * Who an address stands for when requests are counted: an IPv4 address for itself, also where it is written as an IPv6
 * one; an IPv6 address for its /64, since the owner of one address has all of that network. Text that is no address
 * stands for itself.
 */
export function subscriberOf(address: string): string {
  const known = subscribers.get(address);
  if (known !== undefined) return known;
  const subscriber = networkOf(address, SUBSCRIBER_BITS) ?? address;
  if (address.length <= LONGEST_ADDRESS) subscribers.set(address, subscriber);
  return subscriber;
}

/** The /56 around an IPv6 address, which is a site's; undefined for IPv4, where sites share addresses already. */
export function siteOf(address: string): string | undefined {
  const network = networkOf(address, SITE_BITS);
  return network?.includes('/') === true ? network : undefined;
}

function networkOf(address: string, bits: number): string | undefined {
  const text = address.split('%', 1)[0] ?? '';
  if (!ipaddr.isValid(text)) return undefined;
  const parsed = ipaddr.process(text);
  if (!(parsed instanceof ipaddr.IPv6)) return parsed.toString();
  const bytes = parsed.toByteArray().map((byte, n) => (n * 8 < bits ? byte : 0));
  return `${ipaddr.fromByteArray(bytes).toString()}/${bits}`;
}
