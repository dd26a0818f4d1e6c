// What one connection costs: each request on it, the memory it keeps, and to open it as a client.
import { Child } from './child.ts';
import { type Material, answerTo } from './material.ts';
import { type Row, atMost } from './report.ts';
import { difference, paired, ratio, summary } from './statistics.ts';

/** The guard alone, on requests of a connection whose peer is known. */
export async function knownConnection(
  material: Material,
  { rounds, requests }: { readonly rounds: number; readonly requests: number },
): Promise<readonly Row[]> {
  using child = new Child('guard.mjs');
  await child.ask('connect', material);
  const bare: number[] = [];
  const guarded: number[] = [];
  for (let i = -5; i < rounds; i++) {
    const measured = await child.ask<{ bare: number; guarded: number }>('measure', requests);
    if (i < 0) continue;
    bare.push(measured.bare);
    guarded.push(measured.guarded);
  }
  const value = paired(guarded, bare, difference);
  return [
    {
      work: 'guard alone, per request, no certificate read',
      value,
      unit: 'us',
      target: atMost(3, value),
    },
  ];
}

/** What is kept for one connection; every round opens its own. */
export async function memory(
  material: Material,
  { rounds, connections }: { readonly rounds: number; readonly connections: number },
): Promise<readonly Row[]> {
  using child = new Child('memory.mjs', { flags: ['--expose-gc'] });
  const bytes: number[] = [];
  for (let i = -1; i < rounds; i++) {
    const measured = await child.ask<number>('measure', { material, connections });
    // The first one also pays for what there is once per process.
    if (i >= 0) bytes.push(measured);
  }
  const value = summary(bytes);
  return [
    { work: 'memory kept per connection', value, unit: 'bytes', target: atMost(4096, value) },
  ];
}

/** A request on a new connection with mutual authentication, by our client and by undici alone. */
export async function newConnection(material: Material, pairs: number): Promise<readonly Row[]> {
  const { server: credentials, client, subject } = material;
  using server = new Child('server.mjs');
  const port = await server.ask<number>('listen', {
    variant: 'countersign',
    credentials,
    subject,
    requestsPerConnection: 1,
  });
  using child = new Child('client.mjs', { core: 'loader' });
  await child.ask('connect', { port, credentials: client, expected: answerTo(subject) });
  await child.ask('measure', Math.ceil(pairs / 4));
  const { ours, theirs } = await child.ask<Record<'ours' | 'theirs', number[]>>('measure', pairs);
  return [
    { work: 'client: new connection and request', value: summary(ours), unit: 'ms' },
    { work: 'undici: new connection and request', value: summary(theirs), unit: 'ms' },
    { work: 'client: ratio to undici', value: paired(ours, theirs, ratio), unit: '' },
  ];
}
