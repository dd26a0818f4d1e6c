// Object identifiers in words. Also of what nobody should use any more: it is out there, and people ask.
import { readAlgorithm } from '../x509/signature.ts';

/** Purposes by the name that other tools and standards call them. */
export const purposeNames: Readonly<Record<string, string>> = {
  '1.3.6.1.5.5.7.3.1': 'serverAuth',
  '1.3.6.1.5.5.7.3.2': 'clientAuth',
  '1.3.6.1.5.5.7.3.3': 'codeSigning',
  '1.3.6.1.5.5.7.3.4': 'emailProtection',
  '1.3.6.1.5.5.7.3.8': 'timeStamping',
  '1.3.6.1.5.5.7.3.9': 'OCSPSigning',
  '1.3.6.1.4.1.311.20.2.2': 'smartCardLogon',
  '1.3.6.1.5.2.3.4': 'pkinitClient',
  '1.3.6.1.5.2.3.5': 'pkinitKdc',
  '2.5.29.37.0': 'anyExtendedKeyUsage',
};

/** What the key of a certificate with this purpose or key usage is for. */
export const usageWords: Readonly<Record<string, string>> = {
  serverAuth: 'TLS servers',
  clientAuth: 'TLS clients',
  codeSigning: 'signed code',
  emailProtection: 'mail',
  timeStamping: 'time stamps',
  OCSPSigning: 'OCSP responses',
  smartCardLogon: 'logging in with a smart card',
  pkinitClient: 'Kerberos clients',
  pkinitKdc: 'Kerberos servers',
  anyExtendedKeyUsage: 'every purpose',
  digitalSignature: 'sign handshakes and messages',
  contentCommitment: 'sign what binds its owner',
  keyEncipherment: 'encrypt keys',
  dataEncipherment: 'encrypt data',
  keyAgreement: 'agree on keys',
  keyCertSign: 'sign certificates',
  cRLSign: 'sign CRLs',
  encipherOnly: 'agree on keys only to encrypt',
  decipherOnly: 'agree on keys only to decrypt',
};

/** A certificate policy by its OID, with its meaning where it has one everywhere. */
export function policyWords(oid: string): string {
  const words = policies[oid];
  return words === undefined ? oid : `${oid} (${words})`;
}

const policies: Readonly<Record<string, string>> = {
  '2.5.29.32.0': 'every policy',
  '2.23.140.1.1': 'public, extended validation',
  '2.23.140.1.2.1': 'public, domain validated',
  '2.23.140.1.2.2': 'public, organization validated',
  '2.23.140.1.2.3': 'public, individual validated',
};

const signatures: Readonly<Record<string, string>> = {
  '1.2.840.113549.1.1.2': 'RSA with MD2',
  '1.2.840.113549.1.1.4': 'RSA with MD5',
  '1.2.840.113549.1.1.5': 'RSA with SHA-1',
  '1.2.840.113549.1.1.11': 'RSA with SHA-256',
  '1.2.840.113549.1.1.12': 'RSA with SHA-384',
  '1.2.840.113549.1.1.13': 'RSA with SHA-512',
  '1.2.840.113549.1.1.14': 'RSA with SHA-224',
  '1.2.840.10040.4.3': 'DSA with SHA-1',
  '1.2.840.10045.4.1': 'ECDSA with SHA-1',
  '1.2.840.10045.4.3.1': 'ECDSA with SHA-224',
  '1.2.840.10045.4.3.2': 'ECDSA with SHA-256',
  '1.2.840.10045.4.3.3': 'ECDSA with SHA-384',
  '1.2.840.10045.4.3.4': 'ECDSA with SHA-512',
  '2.16.840.1.101.3.4.3.2': 'DSA with SHA-256',
  '2.16.840.1.101.3.4.3.10': 'ECDSA with SHA3-256',
  '2.16.840.1.101.3.4.3.11': 'ECDSA with SHA3-384',
  '2.16.840.1.101.3.4.3.12': 'ECDSA with SHA3-512',
  '2.16.840.1.101.3.4.3.14': 'RSA with SHA3-256',
  '2.16.840.1.101.3.4.3.15': 'RSA with SHA3-384',
  '2.16.840.1.101.3.4.3.16': 'RSA with SHA3-512',
  '1.3.101.112': 'Ed25519',
  '1.3.101.113': 'Ed448',
  '2.16.840.1.101.3.4.3.17': 'ML-DSA-44',
  '2.16.840.1.101.3.4.3.18': 'ML-DSA-65',
  '2.16.840.1.101.3.4.3.19': 'ML-DSA-87',
};

const rsaPss = '1.2.840.113549.1.1.10';

/** A signature algorithm in words, null for one that has none here. @param der the AlgorithmIdentifier */
export function signatureName(oid: string, der: Uint8Array): string | null {
  if (oid !== rsaPss) return signatures[oid] ?? null;
  try {
    return `RSA-PSS with ${readAlgorithm(der).hash?.replace('sha', 'SHA-')}`;
  } catch {
    return 'RSA-PSS with parameters that are not accepted';
  }
}
