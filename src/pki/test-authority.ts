import { createHash, randomBytes } from 'node:crypto';
import { checkOptions } from '../options.ts';
import { serialNumberOf, serialText, spkiOf } from './certificate-writer.ts';
import {
  writeCrl,
  type CrlContents,
  type RevocationReason,
  type RevokedCertificate,
} from './crl-writer.ts';
import type { Extension } from './extensions.ts';
import { issueCertificate, type Issued } from './issue.ts';
import { checkIssueOptions, type IssueOptions } from './issue-options.ts';
import { distinguishedName, type DistinguishedName } from './names.ts';
import { pem } from './pem.ts';
import {
  defaultHash,
  privatePem,
  type KeyPair,
  type SignatureHash,
  type Signer,
} from './signing.ts';
import { ocspOptionNames, testOcspResponse, type OcspOptions } from './test-ocsp.ts';

/**
 * A certificate for a test, with its private key. It goes as it is into TLS options and `mtlsClient`, for
 * which `cert` and `key` are its only enumerable members.
 */
export interface TestCertificate {
  /** PEM: the leaf, then its intermediates, without the root. */
  readonly cert: string;
  /** The private key, PEM (PKCS#8). */
  readonly key: string;
  /** PEM of the leaf alone, as a peer that forgets its intermediates sends it. */
  readonly leaf: string;
  /** The leaf's DER. */
  readonly der: Buffer;
  /** Upper-case hexadecimal, without leading zeros. */
  readonly serialNumber: string;
  /** SHA-256 of the leaf, base64url. */
  readonly x5tS256: string;
  /** SHA-256 of the subject public key info, base64url. */
  readonly spkiSha256: string;
  readonly keyPair: KeyPair;
}

/** An authority for tests. It exists in memory only and keeps its own list of revocations. */
export interface TestAuthority {
  /** Its own certificate, PEM. */
  readonly cert: string;
  readonly key: string;
  readonly der: Buffer;
  readonly serialNumber: string;
  readonly keyPair: KeyPair;
  /** Leaf certificates, as good or as bad as the options say. */
  issue(options?: IssueOptions): TestCertificate;
  /** An authority under this one. What it issues carries its certificate along. */
  intermediate(options?: IssueOptions): TestAuthority;
  /** Puts a certificate on the next CRL. */
  revoke(certificate: Revocable, options?: RevokeOptions): void;
  /** The list of what is revoked so far, or a defective one. */
  crl(options?: CrlOptions): TestCrl;
  /** What an OCSP responder says of these certificates, as DER, or a defective response. */
  ocsp(about: Revocable | readonly Revocable[], options?: OcspOptions): Buffer;
}

/** A certificate of an authority, or its serial number in hexadecimal. */
type Revocable = TestCertificate | TestAuthority | string;

export interface RevokeOptions {
  readonly reason?: RevocationReason;
  /** @defaultValue now */
  readonly at?: Date;
}

/** What a CRL is to hold, for defects as well. */
export interface CrlOptions {
  /** @defaultValue an hour ago */
  readonly thisUpdate?: Date;
  /** Null leaves it out. @defaultValue in a day */
  readonly nextUpdate?: Date | null;
  /** @defaultValue one more than the last */
  readonly number?: bigint | number;
  readonly authorityKeyId?: Uint8Array | null;
  /** Further CRL extensions, finished. */
  readonly extensions?: readonly Extension[];
  readonly issuer?: DistinguishedName;
  readonly signWith?: Signer['key'];
  readonly hash?: SignatureHash;
  readonly tampered?: boolean;
}

export interface TestCrl {
  readonly pem: string;
  readonly der: Buffer;
}

const hour = 3_600_000;
const year = 365 * 24 * hour;

/**
 * A root authority made on the spot: EC P-256, valid from a year ago for eleven years, under a name
 * of its own so that two of them never pass for each other.
 *
 * @throws ConfigError for an option that is none.
 */
export function testAuthority(options: IssueOptions = {}): TestAuthority {
  checkIssueOptions('testAuthority', options);
  const issued = issueCertificate(authorityOptions('countersign test root', options));
  return authority(issued, []);
}

function authorityOptions(name: string, options: IssueOptions): IssueOptions {
  const now = Date.now();
  return {
    subject: `${name} ${randomBytes(3).toString('hex')}`,
    ca: true,
    notBefore: new Date(now - year),
    notAfter: new Date(now + 10 * year),
    ...options,
  };
}

/** @param chain what a leaf must carry along: this authority's certificate and those above, no root */
function authority(issued: Issued, chain: readonly Buffer[]): TestAuthority {
  const { asIssuer, der, keyPair } = issued;
  const revoked: RevokedCertificate[] = [];
  let lastCrl = 0n;

  return {
    cert: pem('CERTIFICATE', der),
    key: privatePem(keyPair),
    der,
    serialNumber: serialText(issued.serialNumber),
    keyPair,

    issue(options = {}) {
      checkIssueOptions('issue', options);
      const leaf = issueCertificate(options, asIssuer);
      return certificate(leaf, options.selfSigned === true ? [] : chain);
    },

    intermediate(options = {}) {
      checkIssueOptions('intermediate', options);
      const below = issueCertificate(
        authorityOptions('countersign test intermediate', options),
        asIssuer,
      );
      // What vouches for itself alone is a root, and roots are not sent along.
      return authority(below, options.selfSigned === true ? [] : [below.der, ...chain]);
    },

    revoke(revokedOne, options = {}) {
      checkOptions('revoke', options, ['reason', 'at']);
      const { reason = 'unspecified', at: revokedAt = new Date() } = options;
      revoked.push({ serialNumber: serialNumberIn(revokedOne), revokedAt, reason });
    },

    crl(options = {}) {
      checkOptions('crl', options, crlOptionNames);
      const key = options.signWith ?? asIssuer.key;
      const { authorityKeyId = asIssuer.keyId, issuer, number = ++lastCrl } = options;
      const contents: CrlContents = {
        issuer: issuer === undefined ? asIssuer.name : distinguishedName(issuer),
        thisUpdate: options.thisUpdate ?? new Date(Date.now() - hour),
        nextUpdate:
          options.nextUpdate === undefined ? new Date(Date.now() + 24 * hour) : options.nextUpdate,
        number,
        authorityKeyId,
        revoked,
        extensions: options.extensions ?? [],
        tampered: options.tampered ?? false,
      };
      const list = writeCrl(contents, { key, hash: options.hash ?? defaultHash(key) });
      return { pem: pem('X509 CRL', list), der: list };
    },

    ocsp(about, options = {}) {
      checkOptions('ocsp', options, ocspOptionNames);
      const answers = [about].flat().map((one) => {
        const serialNumber = serialNumberIn(one);
        const entry = revoked.findLast((other) => other.serialNumber === serialNumber);
        return { serialNumber, status: options.status ?? entry ?? 'good' };
      });
      return testOcspResponse({ name: asIssuer.name, keyPair }, answers, options);
    },
  };
}

const crlOptionNames = [
  'thisUpdate',
  'nextUpdate',
  'number',
  'authorityKeyId',
  'extensions',
  'issuer',
  'signWith',
  'hash',
  'tampered',
] as const satisfies readonly (keyof CrlOptions)[];

function certificate(issued: Issued, chain: readonly Buffer[]): TestCertificate {
  const { der, keyPair } = issued;
  const material = {
    cert: [der, ...chain].map((item) => pem('CERTIFICATE', item)).join(''),
    key: privatePem(keyPair),
  };
  // Whoever lists or spreads a certificate gets what TLS options and `mtlsClient` know, and no more.
  const facts = {
    leaf: pem('CERTIFICATE', der),
    der,
    serialNumber: serialText(issued.serialNumber),
    x5tS256: thumbprint(der),
    spkiSha256: thumbprint(spkiOf(keyPair.publicKey)),
    keyPair,
  };
  for (const [name, value] of Object.entries(facts)) {
    Object.defineProperty(material, name, { value });
  }
  return material as typeof material & typeof facts;
}

function serialNumberIn(one: Revocable): bigint {
  return serialNumberOf(typeof one === 'string' ? one : one.serialNumber);
}

function thumbprint(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('base64url');
}
