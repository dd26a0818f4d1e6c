// Live nonces in the memory store: what each takes, and that a check takes as long whatever their number.
import { Child } from './child.ts';
import { type Row, atMost } from './report.ts';
import { summary } from './statistics.ts';

export interface StoreSizes {
  readonly rounds: number;
  readonly nonces: readonly number[];
  readonly checks: number;
}

export async function stores({ rounds, nonces, checks }: StoreSizes): Promise<readonly Row[]> {
  const rows: Row[] = [];
  // Room for each number, and for those that are checked beside it.
  const maxEntries = Math.max(...nonces) + 8 * checks;
  for (const count of nonces) {
    using child = new Child('stores.mjs', { flags: ['--expose-gc'] });
    const bytes = await child.ask<number>('fill', { nonces: count, maxEntries });
    const replays: number[] = [];
    const news: number[] = [];
    for (let i = -2; i < rounds; i++) {
      const took = await child.ask<{ replays: number; news: number }>('check', { times: checks });
      if (i < 0) continue;
      replays.push(took.replays);
      news.push(took.news);
    }
    const among = `among ${count.toLocaleString('en')} nonces`;
    rows.push(
      { work: `store: a new nonce ${among}`, value: summary(news), unit: 'us' },
      { work: `store: a replay ${among}`, value: summary(replays), unit: 'us' },
    );
    // Of few, each would bear what a store takes that is empty.
    if (count < 10_000) continue;
    const value = summary([bytes]);
    const target = atMost(150, value);
    rows.push({ work: `store: a live nonce ${among}`, value, unit: 'bytes', target });
  }
  return rows;
}
