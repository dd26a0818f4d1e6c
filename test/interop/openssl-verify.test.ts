// Our path validation against `openssl verify`, on chains with random features and defects. Where we are
// stricter, the reason must be one of those listed here. Where we accept, OpenSSL must.
//
// Left out, because we mean to be more lenient there: `anyExtendedKeyUsage` for a purpose (RFC 5280 section
// 4.2.1.12 lets it count), hosts in the common name of a certificate that has other names, and mail addresses of a subject in UTF-8,
// which OpenSSL does not compare.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import {
  type Certificate,
  type PathValidation,
  type ValidatePathOptions,
  validatePath,
} from 'countersign';
import {
  type DistinguishedName,
  type GeneralName,
  type IssueOptions,
  type KeyPair,
  type TestAuthority,
  testAuthority,
} from 'countersign/testing';
import {
  anyPolicy,
  inhibitAnyPolicy,
  policyConstraints,
  policyMappings,
} from '../support/policy-extensions.ts';

// The same cases every time, unless another seed is asked for.
const seed = Number(process.env['COUNTERSIGN_SEED'] ?? 5280);
const parallel = 4;

/** What we refuse and OpenSSL does not mind. */
const stricter: Readonly<Record<string, RegExp>> = {
  ERR_CERTIFICATE_ALGORITHM: /signature algorithm that is not accepted|RSA key of 1024 bits/,
  // A URI or mailbox that cannot be compared with its constraint, a wildcard that stands for an excluded host.
  ERR_CERTIFICATE_CONSTRAINED:
    /is constrained and names no host|is constrained and is no mailbox|"\*\..*" is excluded/,
  ERR_CERTIFICATE_EXTENSION:
    /as not critical|name constraints, and is no CA|a path length, and is no CA|policy mappings, and is no CA|no subject|without any use|keyCertSign, and is no CA|T\.61|must not be critical/,
  ERR_CERTIFICATE_MALFORMED: /^malformed: /,
  // What an anchor says of itself counts here (RFC 5937).
  ERR_CERTIFICATE_POLICY: /no policy/,
};

/** What OpenSSL refuses and we do not, by its number for it. */
function lenience(path: readonly Certificate[], theirs: string): string | undefined {
  // Only with `-x509_strict`: CAs that old tools make have no key usage.
  if (/^error 92 /m.test(theirs)) return 'no key usage';
  // To us key identifiers are hints (RFC 5280 section 4.2.1.1).
  const mismatch = path.some(({ authorityKeyId }, i) => {
    const [named, own] = [authorityKeyId?.keyId, path[i + 1]?.subjectKeyId];
    return named !== undefined && own !== undefined && Buffer.compare(named, own) !== 0;
  });
  return mismatch && /^error 20 /m.test(theirs) ? 'another key identifier' : undefined;
}

// Small, fast, and the same on every machine: mulberry32.
function generator(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve });
// Keys are slow to make, and none of them is compared with another.
const keyPairs: readonly KeyPair[] = [
  ...Array.from({ length: 6 }, () => ec('P-256')),
  ec('P-384'),
  ec('P-521'),
  generateKeyPairSync('ed25519'),
  generateKeyPairSync('rsa', { modulusLength: 2_048 }),
  generateKeyPairSync('rsa', { modulusLength: 2_048 }),
];
const weakPair = generateKeyPairSync('rsa', { modulusLength: 1_024 });

interface Case {
  readonly features: readonly string[];
  readonly options: ValidatePathOptions;
  /** The same for OpenSSL, but for the files. */
  readonly args: readonly string[];
  readonly chain: {
    readonly leaf: Buffer;
    readonly between: readonly Buffer[];
    readonly root: Buffer;
  };
}

class Maker {
  readonly #next: () => number;
  #features: string[] = [];

  constructor(start: number) {
    this.#next = generator(start);
  }

  below(limit: number): number {
    return Math.floor(this.#next() * limit);
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }

  some<T>(list: readonly T[], most = list.length): readonly T[] {
    return list.filter(() => this.below(list.length) < most);
  }

  /** Options with this probability in a hundred, noted under a name. */
  maybe(percent: number, name: string, options: () => IssueOptions): IssueOptions {
    if (this.below(100) >= percent) return {};
    this.#features.push(name);
    return options();
  }

  case(): Case {
    this.#features = [];
    const depth = this.below(4);
    const root = testAuthority({ subject: 'root', ...this.#authority(0), ...this.#defects(2) });
    let above: TestAuthority = root;
    const between: Buffer[] = [];
    for (let level = 1; level <= depth; level++) {
      above = above.intermediate({
        subject: `CA ${level}`,
        ...this.#authority(level),
        ...this.#defects(6),
      });
      between.push(above.der);
    }
    let leaf = above.issue({ ...this.#leaf(), ...this.#defects(10) }).der;
    if (this.below(8) === 0) {
      this.#features.push('a byte of the leaf changed');
      leaf = this.#changed(leaf);
    } else if (between.length > 0 && this.below(16) === 0) {
      this.#features.push('a byte of an intermediate changed');
      const place = this.below(between.length);
      between[place] = this.#changed(between[place]!);
    }
    return {
      ...this.#question(),
      features: this.#features,
      chain: { leaf, between, root: root.der },
    };
  }

  #changed(der: Buffer): Buffer {
    const copy = Buffer.from(der);
    copy[this.below(copy.length)]! ^= 1 << this.below(8);
    return copy;
  }

  #question(): Pick<Case, 'options' | 'args'> {
    const purpose = this.pick(['any', 'any', 'clientAuth', 'serverAuth'] as const);
    const initial = this.below(3) === 0 ? this.some(['1.2.1', '1.2.2'], 2) : [];
    const flags = {
      requireExplicit: this.below(4) === 0,
      inhibitMapping: this.below(8) === 0,
      inhibitAny: this.below(8) === 0,
    };
    this.#features.push(`for ${purpose}`, JSON.stringify({ initial, ...flags }));
    return {
      options: {
        leaf: '',
        trustAnchors: '',
        purpose,
        policies: { ...flags, ...(initial.length === 0 ? {} : { initial }) },
      },
      args: [
        '-x509_strict',
        // An anchor is one, whoever issued it.
        '-partial_chain',
        '-policy_check',
        ...(purpose === 'any'
          ? []
          : ['-purpose', purpose === 'clientAuth' ? 'sslclient' : 'sslserver']),
        // To OpenSSL no list means that no policy is acceptable, to us that every one is.
        ...(initial.length === 0 ? [anyPolicy] : initial).flatMap((policy) => ['-policy', policy]),
        ...(flags.requireExplicit ? ['-explicit_policy'] : []),
        ...(flags.inhibitMapping ? ['-inhibit_map'] : []),
        ...(flags.inhibitAny ? ['-inhibit_any'] : []),
      ],
    };
  }

  #policies(): readonly string[] {
    return this.pick([
      ['1.2.1'],
      ['1.2.1', '1.2.2'],
      [anyPolicy],
      ['1.2.2', anyPolicy],
      ['1.2.1', '1.2.3'],
    ]);
  }

  #authority(level: number): IssueOptions {
    const where = (what: string) => `${what} of CA ${level}`;
    const extensions: IssueOptions['extensions'] & unknown[] = [];
    const add = (percent: number, name: string, extension: () => (typeof extensions)[number]) => {
      this.maybe(percent, where(name), () => (extensions.push(extension()), {}));
    };
    add(10, 'policy mappings', () =>
      policyMappings(
        this.pick([
          [['1.2.1', '1.2.2']],
          [
            ['1.2.2', '1.2.1'],
            ['1.2.1', '1.2.3'],
          ],
        ] as const),
      ),
    );
    add(8, 'policy constraints', () =>
      policyConstraints(
        this.pick([{ requireExplicit: this.below(3) }, { inhibitMapping: this.below(3) }]),
      ),
    );
    add(8, 'inhibitAnyPolicy', () => inhibitAnyPolicy(this.below(3)));
    return {
      keyPair: this.pick(keyPairs),
      ...this.maybe(15, where('path length'), () => ({ pathLength: this.below(3) })),
      ...this.maybe(35, where('policies'), () => ({ policies: this.#policies() })),
      ...this.maybe(10, where('purposes'), () => ({
        usage: this.pick([['clientAuth'], ['serverAuth'], ['clientAuth', 'serverAuth']]),
      })),
      ...this.maybe(3, where('no key usage'), () => ({ keyUsage: null })),
      ...this.maybe(2, where('key usage without keyCertSign'), () => ({ keyUsage: ['cRLSign'] })),
      ...this.maybe(2, where('no basic constraints'), () => ({ ca: null })),
      ...this.maybe(2, where('not being a CA'), () => ({
        ca: false,
        keyUsage: ['digitalSignature'],
      })),
      ...this.maybe(8, where('the name of the CA above'), () => ({
        subject: level < 2 ? 'root' : `CA ${level - 1}`,
      })),
      ...this.maybe(30, where('name constraints'), () => {
        const permitted = this.below(2) === 0 ? this.some(subtrees, 3) : [];
        const excluded =
          permitted.length === 0 || this.below(3) === 0 ? this.some(subtrees, 1) : [];
        const none = permitted.length + excluded.length === 0;
        this.#features.push(JSON.stringify({ permitted, excluded }));
        return none ? {} : { nameConstraints: { permitted, excluded } };
      }),
      extensions,
    };
  }

  #leaf(): IssueOptions {
    const dnsNames = this.some(hosts, 2);
    const emails = this.some(
      ['a@bank.example', 'A@a.bank.example', 'a@evil.example', 'b@BANK.example'],
      1,
    );
    const uris = this.some(
      [
        'https://bank.example/',
        'spiffe://a.bank.example/x',
        'https://evil.example:80/',
        'urn:x',
        'https://10.0.0.1/',
      ],
      1,
    );
    const ips = this.some(['10.1.2.3', '10.200.0.1', '192.0.2.1', '2001:db8::1', '::1'], 1);
    const otherNames = this.below(6) === 0 ? [{ directoryName: this.pick(names) }] : [];
    const count = [dnsNames, emails, uris, ips, otherNames].flat().length;
    const subject = this.pick(count === 0 ? [...names, 'bank.example', 'a.evil.example'] : names);
    this.#features.push(JSON.stringify({ dnsNames, emails, uris, ips, otherNames, subject }));
    return {
      keyPair: this.pick(keyPairs),
      subject,
      dnsNames,
      emails,
      uris,
      ips,
      otherNames,
      ...this.maybe(40, 'policies of the leaf', () => ({ policies: this.#policies() })),
      ...this.maybe(30, 'purposes of the leaf', () => ({
        usage: this.pick(['clientAuth', 'serverAuth', 'codeSigning', null] as const),
      })),
      ...this.maybe(15, 'key usage of the leaf', () => ({
        keyUsage: this.pick([
          null,
          ['keyEncipherment'],
          ['keyAgreement'],
          ['nonRepudiation'],
          ['digitalSignature', 'keyEncipherment'],
        ] as const),
      })),
      ...this.maybe(3, 'the leaf a CA', () => ({
        ca: true,
        keyUsage: ['digitalSignature', 'keyCertSign'],
      })),
    };
  }

  /** At most one, with this probability in a hundred. */
  #defects(percent: number): IssueOptions {
    const day = 86_400_000;
    return this.maybe(percent, 'a defect:', () => {
      const defects: Readonly<Record<string, () => IssueOptions>> = {
        expired: () => ({ notAfter: new Date(Date.now() - day) }),
        'not valid yet': () => ({ notBefore: new Date(Date.now() + day) }),
        'wrong signature': () => ({ tampered: true }),
        'signed by somebody else': () => ({ signWith: keyPairs[this.below(6)]!.privateKey }),
        'unknown critical extension': () => ({
          extensions: [{ oid: '1.2.3.4', critical: true, value: Buffer.of(5, 0) }],
        }),
        'unknown extension': () => ({ extensions: [{ oid: '1.2.3.4', value: Buffer.of(5, 0) }] }),
        'SHA-1': () => ({ hash: 'sha1' }),
        'weak key': () => ({ keyPair: weakPair }),
        'no authority key identifier': () => ({ authorityKeyId: null }),
        'no subject key identifier': () => ({ subjectKeyId: null }),
        'path length of a leaf': () => ({ pathLength: 1 }),
        'a bit changed before it was signed': () => {
          const field = this.below(8);
          const at = this.below(1_000);
          const bit = 1 << this.below(8);
          return {
            rewrite: (fields) =>
              fields.map((bytes, i) => {
                if (i !== field) return bytes;
                const copy = Buffer.from(bytes);
                copy[at % copy.length]! ^= bit;
                return copy;
              }),
          };
        },
      };
      // Half of them bits: they reach what nobody has thought of.
      const name = this.pick([
        ...Object.keys(defects),
        ...Array<string>(8).fill('a bit changed before it was signed'),
      ]);
      this.#features.push(name);
      return defects[name]!();
    });
  }
}

const hosts = [
  'bank.example',
  'a.bank.example',
  '*.bank.example',
  'evil.example',
  'xbank.example',
  'BANK.example',
];
const names: readonly DistinguishedName[] = [
  'leaf',
  [
    { type: 'O', value: 'Bank' },
    { type: 'CN', value: 'leaf' },
  ],
  [{ type: 'O', value: 'bank ', as: 'printable' }],
  [{ type: 'O', value: 'Evil' }],
  [
    { type: 'O', value: 'Bank' },
    { type: 'emailAddress', value: 'a@evil.example' },
  ],
  [
    { type: 'O', value: 'Bank' },
    { type: 'emailAddress', value: 'a@bank.example' },
  ],
  [
    [
      { type: 'O', value: 'Bank' },
      { type: 'OU', value: 'x' },
    ],
  ],
];
const subtrees: readonly GeneralName[] = [
  { dnsName: 'bank.example' },
  { dnsName: 'a.bank.example' },
  { dnsName: 'evil.example' },
  { dnsName: '' },
  { email: 'bank.example' },
  { email: '.bank.example' },
  { email: 'a@bank.example' },
  { uri: 'bank.example' },
  { uri: '.bank.example' },
  { ip: '10.0.0.0/8' },
  { ip: '10.128.0.0/9' },
  { ip: '2001:db8::/32' },
  { directoryName: [{ type: 'O', value: 'bank' }] },
  { directoryName: [{ type: 'O', value: 'Evil' }] },
];

const pem = (der: Buffer): string =>
  `-----BEGIN CERTIFICATE-----\n${der.toString('base64').replace(/.{1,64}/g, '$&\n')}-----END CERTIFICATE-----\n`;

describe(`validatePath against openssl verify, seed ${seed}`, () => {
  let directory: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'countersign-'));
  });
  after(() => rm(directory, { recursive: true }));

  async function opensslSays({ args, chain }: Case, id: string): Promise<string | undefined> {
    const file = async (name: string, ders: readonly Buffer[]): Promise<string> => {
      const path = join(directory, `${id}-${name}.pem`);
      await writeFile(path, ders.map(pem).join(''));
      return path;
    };
    const [root, leaf] = [await file('root', [chain.root]), await file('leaf', [chain.leaf])];
    const between = await file('between', chain.between);
    const untrusted = chain.between.length === 0 ? [] : ['-untrusted', between];
    const all = [
      'verify',
      ...args,
      '-no-CApath',
      '-no-CAstore',
      '-CAfile',
      root,
      ...untrusted,
      leaf,
    ];
    return new Promise((resolve) => {
      execFile('openssl', all, (error, stdout, stderr) => {
        resolve(error === null ? undefined : `${stdout}${stderr}` || error.message);
      });
    });
  }

  it('accepts nothing that openssl refuses, and refuses more for known reasons only', async (context) => {
    const count = Number(process.env['COUNTERSIGN_CASES'] ?? 600);
    const tally: Record<string, number> = {};
    const wrong: string[] = [];
    let next = 0;
    const worker = async (): Promise<void> => {
      while (next < count) {
        const number = next++;
        const one = new Maker(seed + number).case();
        const { leaf, between, root } = one.chain;
        const [ours, theirs] = await Promise.all([
          validatePath({ ...one.options, leaf, intermediates: between, trustAnchors: root }),
          opensslSays(one, String(number)),
        ]);
        const verdict = judge(ours, theirs);
        tally[verdict] = (tally[verdict] ?? 0) + 1;
        if (!verdict.startsWith('wrong')) continue;
        const features = one.features.join('\n  ');
        const chain = [leaf, ...between, root].map(pem).join('');
        wrong.push(
          `seed ${seed + number}: ${verdict}\n  ${features}\n${one.args.join(' ')}\n${theirs ?? ''}\n${chain}`,
        );
      }
    };
    await Promise.all(Array.from({ length: parallel }, worker));
    for (const [verdict, cases] of Object.entries(tally)) context.diagnostic(`${cases} ${verdict}`);
    assert.equal(wrong.length, 0, wrong.slice(0, 3).join('\n'));
    assert.ok(tally['both accept']! > count / 10, 'too few good chains to say anything');
  });
});

function judge(ours: PathValidation, theirs: string | undefined): string {
  if (ours.valid) {
    if (theirs === undefined) return 'both accept';
    const reason = lenience(ours.path, theirs);
    return reason === undefined ? 'wrong: we accept' : `we accept: ${reason}`;
  }
  if (theirs !== undefined) return 'both refuse';
  return stricter[ours.code]?.test(ours.reason) === true
    ? `we refuse: ${ours.code}`
    : `wrong: we refuse, ${ours.code}, ${ours.reason}`;
}
