// DNS names: what a certificate may present, and whether it covers the name we asked for (RFC 9525).

const label = '(?!-)[a-z0-9_-]{1,63}(?<!-)';
const hostName = new RegExp(`^${label}(?:\\.${label})*$`);

/** Whether `name` (lower case) is a host name: labels of letters, digits, hyphens and underscores. */
export function isHostName(name: string): boolean {
  return name.length <= 253 && hostName.test(name);
}

/** Whether a certificate may present `name` (lower case): a host name, or `*.` before one. */
export function isPresentedDnsName(name: string): boolean {
  return isHostName(name.startsWith('*.') ? name.slice(2) : name);
}

/**
 * Whether a presented name covers the reference name (RFC 9525 section 6.3). Both in lower case.
 *
 * A wildcard stands for exactly one whole left-most label, and never directly above a top-level name:
 * nobody owns all of `*.com`.
 */
export function coversDnsName(presented: string, reference: string): boolean {
  if (!presented.startsWith('*.')) return presented === reference;
  const dot = reference.indexOf('.');
  const parent = presented.slice(2);
  return dot > 0 && parent.includes('.') && reference.slice(dot + 1) === parent;
}
