// What the attacker has: a view of everything that leaves the process: answers, events, its output. What
// must happen: no key, no whole certificate, no credential is in any of it.
import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import { inspect } from 'node:util';
import { createVerifier, mtls } from '../../src/index.ts';
import { connect, sendOnce } from '../support/connection.ts';
import { guarded, serverCertificate } from '../support/guarded.ts';
import { alice, authority, day, impostor } from '../support/pki.ts';

const peers = {
  alice,
  impostor: impostor.issue({ dnsNames: ['alice.example'] }),
  expired: authority.issue({ notAfter: new Date(Date.now() - day) }),
  malformed: authority.issue({ dnsNames: ['*.*.example'] }),
  nobody: authority.issue({ subject: 'Jane Doe', usage: 'serverAuth' }),
};
const secret = 'c2VjcmV0LXRva2Vu';
const headers = { authorization: `Bearer ${secret}`, cookie: `session=${secret}` };
const sent = { path: `/path?token=${secret}`, headers };

/** Everything written to standard output and standard error while `work` runs. */
async function outputOf(work: () => Promise<void>): Promise<string> {
  let text = '';
  const writes = [process.stdout, process.stderr].map((stream) => {
    const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
    return mock.method(stream, 'write', (chunk: unknown, ...rest: unknown[]) => {
      text += String(chunk);
      return write(chunk, ...rest);
    });
  });
  await work();
  for (const write of writes) write.mock.restore();
  return text;
}

describe('X5: what leaves the process', () => {
  it('holds no key, no certificate and no credential', async () => {
    const seen: unknown[] = [];
    const verifiers = [
      createVerifier({ methods: [mtls()] }),
      createVerifier({ methods: [mtls()], policy: { allow: [] } }),
      createVerifier({ methods: [mtls()], authorities: ['https://api.example'] }),
    ];
    const output = await outputOf(async () => {
      for (const verifier of verifiers) {
        await using site = await guarded({ verifier, handler: (_request, res) => res.end() });
        for (const { cert, key } of Object.values(peers)) {
          seen.push(await sendOnce(site.port, { cert, key }, sent));
        }
        seen.push(await sendOnce(site.port, {}, sent));
        using raw = await connect(site.port, { cert: alice.cert, key: alice.key });
        const target = `https://user:${secret}@localhost/`;
        const head = `GET ${target} HTTP/1.1\r\nHost: user:${secret}@localhost\r\n`;
        seen.push(await raw.write(`${head}Connection: close\r\n\r\n`));
        const errors = site.decisions.map((one) => (one.outcome === 'refused' ? one.error : one));
        seen.push(site.events.accepted, site.events.refused, errors);
      }
    });
    const limits = { depth: Infinity, maxArrayLength: Infinity, maxStringLength: Infinity };
    const text = output + inspect(seen, { ...limits, showHidden: true, breakLength: Infinity });

    assert.doesNotMatch(text, /BEGIN|PRIVATE KEY/);
    assert.equal(text.includes(secret), false, 'a credential');
    for (const { der, key } of [serverCertificate, ...Object.values(peers)]) {
      const lines = key.replaceAll(/-----.*-----|\n/g, '');
      for (const form of ['base64', 'base64url', 'hex'] as const) {
        assert.equal(text.includes(der.toString(form).slice(0, 80)), false, `certificate, ${form}`);
      }
      assert.equal(text.includes(lines.slice(40, 80)), false, 'a private key');
    }
  });

  it('tells a refused peer nothing of the names and the reason', async () => {
    const verifier = createVerifier({ methods: [mtls()], policy: { allow: [] } });
    await using site = await guarded({ verifier });
    for (const { cert, key } of Object.values(peers)) {
      const { body, headers: fields } = await sendOnce(site.port, { cert, key }, sent);
      const answer = body + JSON.stringify(fields);
      assert.doesNotMatch(answer, /alice|jane|doe|CN=|ERR_|expired|allowed|countersign/i);
    }
  });
});
