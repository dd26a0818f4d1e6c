// Express over TLS on kept connections, guarded in four ways and measured next to each other.
//
// Each way has a process of its own, as it would in service. In a common one every way would make
// Express's code polymorphic for all the others (each application has its own request prototype), and
// the bare one would pay for code that it does not run. A process keeps the luck it has with its
// compiler and its memory, so all of them are started anew several times.
import { Child } from './child.ts';
import { Loader } from './loader.ts';
import { type Material, answerTo } from './material.ts';
import { type Row, atMost } from './report.ts';
import { type Summary, difference, paired, ratio, summary } from './statistics.ts';

export interface Size {
  /** How often every server is started. */
  readonly starts: number;
  /** How often each of them is measured per start. */
  readonly rounds: number;
  readonly requests: number;
  readonly warmUp: number;
}

const names = ['bare', 'countersign', 'passport-client-cert', 'client-certificate-auth'] as const;
type Name = (typeof names)[number];

/** What the rounds of one variant measured; the same index is the same round. */
interface Series {
  /** Microseconds of the server's processor per request. */
  readonly cpu: number[];
  readonly throughput: number[];
}

/** @throws Error for one wrong answer */
export async function frameworks(material: Material, size: Size): Promise<readonly Row[]> {
  const series = Object.fromEntries(
    names.map((name) => [name, { cpu: [], throughput: [] }]),
  ) as unknown as Record<Name, Series>;
  for (let start = 0; start < size.starts; start++) {
    const contestants = await Promise.all(names.map((name) => Contestant.start(name, material)));
    try {
      for (const one of contestants) await one.warmUp(size.warmUp);
      for (let round = 0; round < size.rounds; round++) {
        for (const one of orderOf(round, contestants)) {
          const { cpu, throughput } = await one.measure(size.requests);
          series[one.name].cpu.push(cpu);
          series[one.name].throughput.push(throughput);
        }
      }
    } finally {
      for (const one of contestants) await one.stop();
    }
  }
  return rowsOf(series);
}

// Each goes first, second, third and last equally often, once forwards and once backwards.
function orderOf<T>(round: number, all: readonly T[]): readonly T[] {
  const first = (round >> 1) % all.length;
  const order = [...all.slice(first), ...all.slice(0, first)];
  return round % 2 === 0 ? order : order.toReversed();
}

class Contestant {
  readonly name: Name;
  readonly #server: Child;
  readonly #loader: Loader;

  private constructor(name: Name, server: Child, loader: Loader) {
    this.name = name;
    this.#server = server;
    this.#loader = loader;
  }

  static async start(name: Name, { server, client, subject }: Material): Promise<Contestant> {
    const child = new Child('server.mjs');
    const port = await child.ask<number>('listen', { variant: name, credentials: server, subject });
    return new Contestant(name, child, new Loader(port, client, answerTo(subject)));
  }

  async warmUp(requests: number): Promise<void> {
    await this.#loader.load(requests);
  }

  async measure(requests: number): Promise<{ cpu: number; throughput: number }> {
    const cpuBefore = await this.#server.ask<number>('cpu');
    const before = performance.now();
    await this.#loader.load(requests);
    const seconds = (performance.now() - before) / 1000;
    const cpu = ((await this.#server.ask<number>('cpu')) - cpuBefore) / requests;
    await this.#checkRefusal();
    return { cpu, throughput: requests / seconds };
  }

  async #checkRefusal(): Promise<void> {
    const status = await this.#loader.statusWithoutCertificate();
    const right = this.name === 'bare' ? status === 200 : status === 401 || status === 403;
    if (!right) throw new Error(`${this.name} answered ${status} to a peer without a certificate`);
  }

  async stop(): Promise<void> {
    await this.#loader.close();
    this.#server[Symbol.dispose]();
  }
}

function rowsOf(series: Readonly<Record<Name, Series>>): readonly Row[] {
  const { bare, countersign: ours } = series;
  const others = [series['passport-client-cert'], series['client-certificate-auth']];
  const guarded = names.slice(1);
  const extra = (name: Name): Summary => paired(series[name].cpu, bare.cpu, difference);
  const ahead = others.every((other) => paired(ours.cpu, other.cpu, difference).median < 0);
  return [
    ...names.map((name): Row => ({
      work: `${name}: throughput`,
      value: summary(series[name].throughput),
      unit: 'req/s',
    })),
    ...guarded.map((name): Row => ({
      work: `${name}: throughput, ratio to bare`,
      value: paired(series[name].throughput, bare.throughput, ratio),
      unit: '',
    })),
    ...names.map((name): Row => ({
      work: `${name}: server CPU per request`,
      value: summary(series[name].cpu),
      unit: 'us',
      ...(name === 'countersign' && { target: { text: 'ahead of the others', met: ahead } }),
    })),
    ...guarded.map((name): Row => ({
      work: `${name}: server CPU per request, more than bare`,
      value: extra(name),
      unit: 'us',
      ...(name === 'countersign' && { target: atMost(5, extra(name)) }),
    })),
  ];
}
