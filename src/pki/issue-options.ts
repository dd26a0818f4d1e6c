import { checkOptions } from '../options.ts';
import type { ExtendedKeyUsage, Extension, KeyUsageBit, NameConstraints } from './extensions.ts';
import type { DistinguishedName, GeneralName } from './names.ts';
import type { KeyPair, KeyType, SignatureHash, Signer } from './signing.ts';

/**
 * What a certificate is to hold. Left out means sensible; `null` means without. Nothing is checked
 * beyond the names of the options, so a certificate can have any defect that a test needs.
 */
export interface IssueOptions {
  /** A common name, a list of attributes, or DER. @defaultValue `test leaf` */
  readonly subject?: DistinguishedName;
  /**
   * DNS names. Without a name of any kind a leaf is for `localhost`, 127.0.0.1 and ::1; an empty
   * list gives it none.
   */
  readonly dnsNames?: readonly (string | Uint8Array)[];
  readonly emails?: readonly (string | Uint8Array)[];
  readonly uris?: readonly (string | Uint8Array)[];
  /** Short for one URI more. */
  readonly spiffeId?: string;
  readonly ips?: readonly (string | Uint8Array)[];
  /** User principal names, as smart cards carry them. */
  readonly upns?: readonly (string | Uint8Array)[];
  /** Names of any other form, after all others. */
  readonly otherNames?: readonly GeneralName[];
  /** @defaultValue clientAuth and serverAuth for a leaf, none for an authority */
  readonly usage?: ExtendedKeyUsage | readonly ExtendedKeyUsage[] | null;
  /** @defaultValue what the kind of key and of certificate need */
  readonly keyUsage?: readonly KeyUsageBit[] | null;
  /** Whether it is an authority. Null leaves the basic constraints out. @defaultValue false */
  readonly ca?: boolean | null;
  readonly pathLength?: number;
  /** @defaultValue an hour ago, or a day before `notAfter` where that is earlier */
  readonly notBefore?: Date;
  /** @defaultValue in a day, or a day after `notBefore` where that is later */
  readonly notAfter?: Date;
  /** @defaultValue random, positive, 16 octets */
  readonly serialNumber?: bigint | number;
  /** @defaultValue `ec-p256` */
  readonly keyType?: KeyType;
  /** Keys that exist already, in place of new ones. */
  readonly keyPair?: KeyPair;
  /** Object identifiers of certificate policies. */
  readonly policies?: readonly string[];
  readonly nameConstraints?: NameConstraints;
  readonly crlUris?: readonly string[];
  readonly ocspUris?: readonly string[];
  readonly subjectKeyId?: Uint8Array | null;
  readonly authorityKeyId?: Uint8Array | null;
  /**
   * Finished extensions. One with the identifier of an extension written by itself takes its place;
   * one that is listed twice is written twice.
   */
  readonly extensions?: readonly Extension[];
  /** Issued by nobody but itself. */
  readonly selfSigned?: boolean;
  /** A name of the issuer that is not the issuer's. */
  readonly issuer?: DistinguishedName;
  /** A key for the signature that is not the issuer's. */
  readonly signWith?: Signer['key'];
  /** @defaultValue what fits the issuer's key */
  readonly hash?: SignatureHash;
  /** A signature that is well-formed and wrong. */
  readonly tampered?: boolean;
  /** See `CertificateContents.rewrite`: any field of the TBSCertificate replaced, removed or added. */
  readonly rewrite?: (fields: readonly Buffer[]) => readonly Buffer[];
}

// A record, so that the compiler insists on every name.
const known: Readonly<Record<keyof IssueOptions, true>> = {
  subject: true,
  dnsNames: true,
  emails: true,
  uris: true,
  spiffeId: true,
  ips: true,
  upns: true,
  otherNames: true,
  usage: true,
  keyUsage: true,
  ca: true,
  pathLength: true,
  notBefore: true,
  notAfter: true,
  serialNumber: true,
  keyType: true,
  keyPair: true,
  policies: true,
  nameConstraints: true,
  crlUris: true,
  ocspUris: true,
  subjectKeyId: true,
  authorityKeyId: true,
  extensions: true,
  selfSigned: true,
  issuer: true,
  signWith: true,
  hash: true,
  tampered: true,
  rewrite: true,
};

/** @throws ConfigError for a name that is no option, with the nearest one that is. */
export function checkIssueOptions(path: string, options: IssueOptions): void {
  checkOptions(path, options, Object.keys(known));
}
