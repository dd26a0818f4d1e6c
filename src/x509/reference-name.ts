// The name we ask for, against those that a certificate presents (RFC 9525 sections 6.2 to 6.5). The common
// name is never one of them.
import { ConfigError } from '../errors.ts';
import type { Certificate } from './certificate.ts';
import { coversDnsName, isHostName } from './dns-name.ts';
import { canonicalIp } from './ip-address.ts';

/** A name that is asked for, as opposed to one that a certificate presents. */
export type ReferenceName =
  | { readonly dnsName: string }
  | { readonly ip: string }
  | { readonly email: string }
  | { readonly uri: string };

/** Brings a name into the spelling of certificates. @throws ConfigError where it is none */
export function readReferenceName(path: string, name: ReferenceName): ReferenceName {
  const entries = typeof name === 'object' && name !== null ? Object.entries(name) : [];
  const [kind, text] = entries[0] ?? [];
  if (entries.length !== 1 || typeof text !== 'string') {
    throw new ConfigError(path, 'must be one of { dnsName }, { ip }, { email } and { uri }');
  }
  switch (kind) {
    case 'dnsName': {
      const dnsName = text.toLowerCase().replace(/\.$/, '');
      if (isHostName(dnsName)) return { dnsName };
      break;
    }
    case 'ip': {
      const ip = canonicalIp(text);
      if (ip !== undefined) return { ip };
      break;
    }
    case 'email': {
      const at = text.lastIndexOf('@');
      if (at > 0) return { email: text.slice(0, at + 1) + text.slice(at + 1).toLowerCase() };
      break;
    }
    case 'uri':
      if (text !== '') return { uri: text };
      break;
    default:
  }
  throw new ConfigError(path, `${JSON.stringify(text)} is no ${kind ?? 'name'}`);
}

/** Whether a certificate presents the name. @param name as `readReferenceName` spells it */
export function carries({ names }: Pick<Certificate, 'names'>, name: ReferenceName): boolean {
  if ('dnsName' in name) return names.dnsNames.some((one) => coversDnsName(one, name.dnsName));
  if ('ip' in name) return names.ips.includes(name.ip);
  if ('email' in name) return names.emails.includes(name.email);
  return names.uris.includes(name.uri);
}
