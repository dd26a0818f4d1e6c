// The engine of countersign/signature: RFC 9421 by itself, without age, replay and policy.
import { Child } from './child.ts';
import { type Row, atMost } from './report.ts';
import { paired, ratio, summary } from './statistics.ts';

export interface SignatureSizes {
  readonly rounds: number;
  readonly times: number;
}

type Verb = 'verify' | 'sign';

/** How many times the cost of the bare operation a request may have. */
const limits: Readonly<Record<string, Partial<Record<Verb, number>>>> = {
  'hmac-sha256': { verify: 5, sign: 5 },
  ed25519: { verify: 1.2, sign: 1.2 },
  'ecdsa-p256-sha256': { verify: 1.2 },
};

export async function signatures(sizes: SignatureSizes): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const algorithm of Object.keys(limits)) {
    for (const verb of ['verify', 'sign'] as const) {
      rows.push(...(await measured(algorithm, verb, sizes)));
    }
  }
  return rows;
}

async function measured(
  algorithm: string,
  verb: Verb,
  { rounds, times }: SignatureSizes,
): Promise<readonly Row[]> {
  using child = new Child('signatures.mjs');
  const names = await child.ask<readonly string[]>('prepare', algorithm);
  const each = new Map(names.map((name) => [name, [] as number[]]));
  for (let i = -3; i < rounds; i++) {
    const round = await child.ask<Record<string, number>>('measure', { verb, times });
    if (i < 0) continue;
    for (const [name, list] of each) list.push(round[name]!);
  }
  const [bare, ours] = [each.get('bare')!, each.get('ours')!];
  const work = `${verb} a request, ${algorithm}`;
  const value = paired(ours, bare, ratio);
  const limit = limits[algorithm]?.[verb];
  const target = limit === undefined ? {} : { target: atMost(limit, value) };
  return [
    { work, value: summary(ours), unit: 'us' },
    { work: `${work}: node:crypto alone`, value: summary(bare), unit: 'us' },
    { work: `${work}: ratio`, value, unit: '', ...target },
    ...names.slice(2).map((name): Row => {
      const many = paired(each.get(name)!, ours, ratio);
      return { work: `${work}: ${name}, times ours`, value: many, unit: '' };
    }),
  ];
}
