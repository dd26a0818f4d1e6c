// Path validation of our own: one chain, ten thousand anchors, a million revocations.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MtlsOptions } from 'countersign';
import { testAuthority } from 'countersign/testing';
import { Child } from './child.ts';
import type { Material } from './material.ts';
import { type Row, atMost } from './report.ts';
import { type Summary, paired, ratio, summary } from './statistics.ts';

export interface PathSizes {
  readonly rounds: number;
  readonly chains: number;
  readonly connections: number;
  readonly anchors: number;
  readonly revocations: number;
}

export async function paths(sizes: PathSizes): Promise<readonly Row[]> {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-bench-'));
  try {
    return [...(await chainOfThree(sizes)), ...(await atScale(sizes, directory))];
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function chainOfThree({ rounds, chains, connections }: PathSizes): Promise<readonly Row[]> {
  const root = testAuthority();
  const leaf = root.intermediate().issue({ subject: 'teller', spiffeId: subject });
  const server = root.issue({ subject: 'localhost' });
  const chain = [...pemsIn(leaf.cert), root.cert];
  const material = {
    server: { ca: root.cert, cert: server.cert, key: server.key },
    client: { ca: root.cert, cert: leaf.cert, key: leaf.key },
    subject,
  };
  using alone = new Child('paths.mjs', { flags: ['--expose-gc'] });
  using served = new Child('paths.mjs', { flags: ['--expose-gc'] });
  await served.ask('load', { options: { trustAnchors: root.cert } });
  const bare: number[] = [];
  const ours: number[] = [];
  const firsts: number[] = [];
  for (let i = -2; i < rounds; i++) {
    const measured = await alone.ask<{ bare: number; ours: number }>('chain', {
      chain,
      times: chains,
    });
    const { first } = await served.ask<{ first: number }>('requests', { material, connections });
    if (i < 0) continue;
    bare.push(measured.bare);
    ours.push(measured.ours);
    firsts.push(first);
  }
  const work = 'path of three, P-256';
  // What servers do: the anchors are loaded, and the intermediate that the peer sends was sent before.
  const connection = `${work}: first request of a connection`;
  const [cold, warm] = [ours, firsts].map((each) => paired(each, bare, ratio));
  return [
    { work: `${work}: node:crypto alone`, value: summary(bare), unit: 'us' },
    { work: `${work}: nothing known before`, value: summary(ours), unit: 'us' },
    {
      work: `${work}: nothing known before, ratio`,
      value: cold!,
      unit: '',
      target: atMost(1.5, cold!),
    },
    { work: connection, value: summary(firsts), unit: 'us' },
    { work: `${connection}, ratio`, value: warm!, unit: '', target: atMost(1.5, warm!) },
  ];
}

async function atScale(sizes: PathSizes, directory: string): Promise<readonly Row[]> {
  const ca = testAuthority();
  const leaf = ca.issue({ subject: 'teller', spiffeId: subject });
  const server = ca.issue({ subject: 'localhost' });
  const material = {
    server: { ca: ca.cert, cert: server.cert, key: server.key },
    client: { ca: ca.cert, cert: leaf.cert, key: leaf.key },
    subject,
  };
  const keyPair = ca.keyPair;
  const many = Array.from(
    { length: sizes.anchors - 1 },
    (_, i) => testAuthority({ subject: `other ${i}`, keyPair }).cert,
  );
  const short = join(directory, 'short.crl');
  writeFileSync(short, ca.crl().der);
  for (let i = 1; i <= sizes.revocations; i++) ca.revoke((2 ** 40 + i * 2_654_435).toString(16));
  const long = join(directory, 'long.crl');
  writeFileSync(long, ca.crl().der);

  const one = await measure(sizes, material, { trustAnchors: ca.cert });
  const anchors = await measure(sizes, material, { trustAnchors: [...many, ca.cert] });
  const few = await measure(sizes, material, listed(ca.cert, short));
  const million = await measure(sizes, material, listed(ca.cert, long));
  const [manyText, longText] = [sizes.anchors, sizes.revocations].map((n) =>
    n.toLocaleString('en'),
  );
  const first = 'own path, first request of a connection';
  return [
    { work: first, value: one.first, unit: 'us' },
    { work: `${first}: ${manyText} anchors`, value: anchors.first, unit: 'us' },
    { work: `${first}: a CRL without entries`, value: few.first, unit: 'us' },
    { work: `${first}: a CRL of ${longText}`, value: million.first, unit: 'us' },
    { work: 'own path, further requests, request objects included', value: one.later, unit: 'us' },
    { work: `CRL of ${longText}: time to load`, value: million.milliseconds, unit: 'ms' },
    { work: `CRL of ${longText}: memory kept`, value: million.bytes, unit: 'bytes' },
  ];
}

const subject = 'spiffe://bank.example/teller';

function listed(trustAnchors: string, crls: string): MtlsOptions {
  return { trustAnchors, revocation: { mode: 'require', crls } };
}

async function measure(
  { rounds, connections }: PathSizes,
  material: Material,
  options: MtlsOptions,
): Promise<Record<'first' | 'later' | 'milliseconds' | 'bytes', Summary>> {
  using child = new Child('paths.mjs', { flags: ['--expose-gc'] });
  const { milliseconds, bytes } = await child.ask<{ milliseconds: number; bytes: number }>('load', {
    options,
  });
  const firsts: number[] = [];
  const laters: number[] = [];
  for (let i = -1; i < rounds; i++) {
    const answer = await child.ask<{ first: number; later: number }>('requests', {
      material,
      connections,
    });
    if (i < 0) continue;
    firsts.push(answer.first);
    laters.push(answer.later);
  }
  return {
    first: summary(firsts),
    later: summary(laters),
    milliseconds: summary([milliseconds]),
    bytes: summary([bytes]),
  };
}

function pemsIn(text: string): readonly string[] {
  return text.match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/g) ?? [];
}
