import ipaddr from 'ipaddr.js';

/** Whether an address is one of the public internet: not of this machine, of a private or local network, or of a kind that leads to one. */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  return ipaddr.process(address).range() === 'unicast';
}
