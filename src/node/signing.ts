// A response that is proven as a whole: its head waits until it is known what becomes of the content.
//
// What is known in one go, or is small, gets its digest into the head. A stream passes as it comes, and its
// digest follows in the trailers, where the client sees those. Where it does not, up to a mebibyte is kept
// back; beyond that the head leaves without a digest, and nothing proves the content.
import type { Exchange } from '../exchange.ts';
import type { ResponseProof } from '../proof.ts';
import { depart, endStream, hasContent, hold } from './departure.ts';
import { type NodeResponse, linesOf } from './head.ts';
import { type Chunk, type Done, type Hook, type Hooked, type Signing, hookOf } from './hook.ts';
import { seesTrailers } from './trailers.ts';

const maxKept = 1_048_576;

/** Has `proof` prove a response, or nothing where that is undefined; from now on, if its head has not left. */
export function signWith(
  proof: ResponseProof | undefined,
  response: NodeResponse,
  hook: Hook,
  exchange: Exchange,
): void {
  if (hook.signing !== undefined) {
    // What has begun goes on as it began.
    if (hook.signing.phase !== 'open') return;
    hook.signing.proof = proof;
    hook.signing.exchange = exchange;
  } else if (proof !== undefined) {
    hook.signing = watch(proof, response, exchange);
  }
}

function watch(proof: ResponseProof, response: NodeResponse, exchange: Exchange): Signing {
  const { write, end, flushHeaders } = response as unknown as Pick<
    Signing,
    'write' | 'end' | 'flushHeaders'
  >;
  const signing: Signing = {
    exchange,
    proof,
    identity: undefined,
    phase: response.headersSent ? 'sent' : 'open',
    isWithin: false,
    kept: [],
    keptLength: 0,
    digesting: undefined,
    waiting: [],
    write,
    end,
    flushHeaders,
  };
  // One by one: Object.assign takes ten times as long.
  const replaced = response as unknown as Record<'write' | 'end' | 'flushHeaders', unknown>;
  replaced.write = writeContent;
  replaced.end = endContent;
  replaced.flushHeaders = flushHead;
  return signing;
}

/** Keeps a head back that is final but for the proof. */
export function holdForProof(response: NodeResponse, hook: Hook, signing: Signing): void {
  signing.phase = 'held';
  if (!signing.isWithin) hold(response, hook);
}

function writeContent(this: Hooked, chunk: Chunk, ...rest: unknown[]): boolean {
  const hook = this[hookOf]!;
  const signing = hook.signing!;
  const write = signing.write as (...args: unknown[]) => boolean;
  if (!isChunk(chunk) || !begin(this, signing)) return write.call(this, chunk, ...rest);
  if (signing.phase === 'held') {
    const [encoding, done] = split(rest);
    const plan = planOf(this, signing);
    const bytes = bytesOf(chunk, encoding);
    if (plan === 'keep' && signing.keptLength + bytes.length <= maxKept) {
      signing.kept.push(bytes);
      signing.keptLength += bytes.length;
      hold(this, hook);
      // A handler may go on only when it is told that this went well.
      if (done !== undefined) process.nextTick(done, null);
      return true;
    }
    depart(this, hook, plan === 'keep' ? 'nowhere' : plan);
    writeKept(this, signing);
  }
  if (signing.phase === 'waiting') {
    signing.waiting.push(() => writeContent.call(this, chunk, ...rest));
    return false;
  }
  signing.digesting?.chunk(bytesOf(chunk, split(rest)[0]));
  return write.call(this, chunk, ...rest);
}

function endContent(this: Hooked, ...args: unknown[]): unknown {
  const hook = this[hookOf]!;
  const signing = hook.signing!;
  const end = signing.end as (...given: unknown[]) => unknown;
  const [chunk, [encoding, done]] = isChunk(args[0])
    ? [args[0], split(args.slice(1))]
    : [undefined, split(args)];
  if (!begin(this, signing)) return end.apply(this, args);
  if (signing.phase === 'held') {
    if (!hasContent(this, signing)) {
      depart(this, hook, 'nowhere');
    } else {
      const whole = wholeOf(signing, chunk, encoding);
      depart(this, hook, 'head', whole);
      return endWith(this, signing, whole, done);
    }
  }
  if (signing.phase === 'waiting') return endWith(this, signing, chunk, encoding, done);
  if (signing.digesting === undefined) return end.apply(this, args);
  if (chunk !== undefined) writeContent.call(this, chunk, encoding);
  endStream(this, hook, signing, done);
  return this;
}

function flushHead(this: Hooked): void {
  const hook = this[hookOf]!;
  const signing = hook.signing!;
  const flush = signing.flushHeaders as () => void;
  if (!begin(this, signing)) return flush.call(this);
  if (signing.phase === 'held') {
    const plan = planOf(this, signing);
    if (plan === 'keep') return hold(this, hook);
    depart(this, hook, plan);
  }
  if (signing.phase === 'waiting') signing.waiting.push(() => (flushHead.call(this), true));
  else flush.call(this);
}

/** Sees to it that there is a head; false where nothing is to be proven. */
function begin(response: Hooked, signing: Signing): boolean {
  if (signing.proof === undefined) return false;
  if (signing.phase !== 'open') return true;
  signing.isWithin = true;
  try {
    // Whoever else has something to say when a head leaves says it now.
    response.writeHead(response.statusCode);
  } finally {
    signing.isWithin = false;
  }
  return true;
}

/** Ends now, or when the head has left. */
function endWith(response: Hooked, signing: Signing, ...args: unknown[]): unknown {
  const end = signing.end as (...given: unknown[]) => unknown;
  if (signing.phase !== 'waiting') return end.apply(response, args);
  signing.waiting.push(() => (endContent.apply(response, args), true));
  Object.defineProperty(response, 'writableEnded', { configurable: true, get: () => true });
  return response;
}

/** Where the digest of content goes that is not known in one go. */
function planOf(response: Hooked, signing: Signing): 'keep' | 'trailers' | 'nowhere' | 'head' {
  if (!hasContent(response, signing)) return 'nowhere';
  // The handler knows it.
  if (response.hasHeader('content-digest')) return 'head';
  const [length] = linesOf(response, 'content-length');
  const isEndless = linesOf(response, 'content-type')[0]?.startsWith('text/event-stream') === true;
  if (length !== undefined && Number(length) <= maxKept && !isEndless) return 'keep';
  if (seesTrailers(response, signing.exchange)) return 'trailers';
  return length !== undefined || isEndless ? 'nowhere' : 'keep';
}

function writeKept(response: Hooked, signing: Signing): void {
  const { kept } = signing;
  signing.kept = [];
  for (const bytes of kept) writeContent.call(response, bytes);
}

function wholeOf(signing: Signing, chunk: Chunk | undefined, encoding: unknown): Chunk {
  if (signing.kept.length === 0) {
    // Node sends text in one piece with the head.
    return typeof chunk === 'string' && (encoding === undefined || encoding === 'utf8')
      ? chunk
      : bytesOf(chunk ?? '', encoding);
  }
  const { kept } = signing;
  signing.kept = [];
  return Buffer.concat([...(kept as Uint8Array[]), bytesOf(chunk ?? '', encoding)]);
}

function bytesOf(chunk: Chunk, encoding: unknown): Uint8Array {
  return typeof chunk === 'string'
    ? Buffer.from(chunk, encoding as BufferEncoding | undefined)
    : chunk;
}

function isChunk(value: unknown): value is Chunk {
  return typeof value === 'string' || value instanceof Uint8Array;
}

/** Encoding and callback, either of which may be left out. */
function split([first, second]: readonly unknown[]): [encoding: unknown, done: Done] {
  return typeof first === 'function'
    ? [undefined, first as Done]
    : [first ?? undefined, (second ?? undefined) as Done];
}
