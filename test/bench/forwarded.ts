// Certificates that a trusted proxy hands over: seen for the first time, and again.
import { testAuthority } from 'countersign/testing';
import { Child } from './child.ts';
import { type Row, atMost } from './report.ts';
import { paired, ratio, summary } from './statistics.ts';

export interface ForwardedSizes {
  readonly rounds: number;
  readonly certificates: number;
  readonly requests: number;
}

export async function forwarded(sizes: ForwardedSizes): Promise<readonly Row[]> {
  const { rounds, certificates, requests } = sizes;
  const ca = testAuthority();
  const { keyPair } = ca.issue();
  const issued = (from: number): readonly string[] =>
    Array.from({ length: certificates }, (_, i) => {
      const dnsNames = [`device-${from + i}.example`];
      return Buffer.from(ca.issue({ dnsNames, keyPair }).der).toString('base64');
    });
  using child = new Child('forwarded.mjs');
  const trustAnchors = ca.cert;
  await child.ask('connect', { trustAnchors });
  const paths: number[] = [];
  const firsts: number[] = [];
  const again: number[] = [];
  for (let i = -2; i < rounds; i++) {
    const leaves = issued((i + 2) * certificates);
    const seen = await child.ask<{ path: number; first: number }>('first', {
      leaves,
      trustAnchors,
    });
    const known = await child.ask<number>('again', { leaves, requests });
    if (i < 0) continue;
    paths.push(seen.path);
    firsts.push(seen.first);
    again.push(known);
  }
  const value = paired(firsts, paths, ratio);
  const repeated = summary(again);
  const work = 'forwarded certificate';
  return [
    { work: `${work}, seen before`, value: repeated, unit: 'us', target: atMost(6, repeated) },
    { work: `${work}, first sight`, value: summary(firsts), unit: 'us' },
    { work: `${work}, first sight: reading and path alone`, value: summary(paths), unit: 'us' },
    { work: `${work}, first sight: ratio`, value, unit: '', target: atMost(1.5, value) },
  ];
}
