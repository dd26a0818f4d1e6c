// Fetches on a new connection each time: ours, and Node's fetch on undici's own Agent with the same TLS
// options. The server closes every connection after its answer.
import { createClient, mtlsClient } from 'countersign/client';
import { Agent } from 'undici';
import { answerParent } from './answer-parent.mjs';

let fetchOurs;
let fetchTheirs;

answerParent({
  connect({ port, credentials: { ca, cert, key }, expected }) {
    const origin = `https://localhost:${port}`;
    const client = createClient({
      methods: [mtlsClient({ cert, key })],
      server: { origins: [origin], ca },
    });
    // We resume no session, because pins and names are not checked on one; so neither may undici.
    const dispatcher = new Agent({ connect: { ca, cert, key, maxCachedSessions: 0 } });
    const answered = async (response) => {
      const text = await response.text();
      if (response.status !== 200 || text !== expected)
        throw new Error(`${response.status} ${text}`);
      return response;
    };
    fetchOurs = async () => client.identityOf(await answered(await client.fetch(origin)));
    fetchTheirs = async () => answered(await fetch(origin, { dispatcher }));
  },
  /** Milliseconds of each fetch, in alternation. */
  async measure(pairs) {
    const ours = [];
    const theirs = [];
    for (let i = 0; i < pairs; i++) {
      if (i % 2 === 0) ours.push(await timed(fetchOurs));
      theirs.push(await timed(fetchTheirs));
      if (i % 2 === 1) ours.push(await timed(fetchOurs));
    }
    return { ours, theirs };
  },
});

async function timed(work) {
  const before = performance.now();
  await work();
  return performance.now() - before;
}
