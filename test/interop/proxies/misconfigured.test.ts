// Proxies that are configured badly. Where the client's own field reaches the service under its name, no
// address and no certificate tells it from the proxy's: what closes that is the verdict, or nothing here does.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { alice, bob } from '../../support/pki.ts';
import type { ServerName } from './servers.ts';
import { changed, siteBehind } from './site.ts';
import { type Visit, good, thumbprintIn, visit, written } from './visit.ts';

const field = 'X-SSL-Client-Cert';
const verdictField = 'X-SSL-Client-Verify';

/** What comes of the field when it is Bob's certificate: whose request it then is, or the refusal. */
type Outcome = 'Alice' | 'Bob' | 400 | 403;

interface Mistake {
  readonly name: ServerName;
  readonly what: string;
  readonly configure: (configuration: string) => string;
  /** Sent by a client without a certificate, where the verdict is not read and where it is. */
  readonly byNobody: readonly [unread: Outcome, read: Outcome];
  /** Sent by Alice, who has a certificate. */
  readonly byAlice: readonly [unread: Outcome, read: Outcome];
}

const closed = { byNobody: ['Bob', 403], byAlice: ['Alice', 'Alice'] } as const;

// `Bob` where the verdict is read is what no service can see: `countersign doctor --forge` has to.
const mistakes: readonly Mistake[] = [
  {
    name: 'haproxy',
    what: 'sets the field where there is a certificate, and deletes none',
    configure: (text) =>
      changed(
        changed(text, /.*del-header.*\n/, ''),
        /(set-header X-SSL-Client-Cert .*)/,
        '$1 if { ssl_c_used }',
      ),
    ...closed,
  },
  {
    name: 'apache',
    what: 'sets the field where there is a certificate',
    configure: (text) =>
      changed(text, /(set X-SSL-Client-Cert .*)/, `$1 "expr=%{SSL_CLIENT_VERIFY} == 'SUCCESS'"`),
    ...closed,
  },
  {
    name: 'caddy',
    what: 'sets the field where there is a certificate, and has no verdict',
    configure: (text) =>
      changed(
        changed(text, /\n\t\theader_up X.*/, ''),
        '\treverse_proxy',
        '\t@certificate expression {http.request.tls.client.fingerprint} != null\n' +
          `\trequest_header @certificate ${field} {http.request.tls.client.certificate_der_base64}\n` +
          '$&',
      ),
    byNobody: ['Bob', 'Bob'],
    byAlice: ['Alice', 'Alice'],
  },
  {
    name: 'nginx',
    what: 'sets the verdict alone',
    configure: (text) => changed(text, /\n.*proxy_set_header X-SSL-Client-Cert.*/, ''),
    byNobody: ['Bob', 403],
    byAlice: ['Bob', 'Bob'],
  },
  {
    name: 'nginx',
    what: 'sets both outside of a location, which has a proxy_set_header and so inherits none',
    configure: (text) => {
      const [lines = ''] = /(?:.*proxy_set_header X-SSL-.*\n)+/.exec(text) ?? [];
      return changed(changed(text, lines, ''), /(?=.*location)/, lines);
    },
    byNobody: ['Bob', 'Bob'],
    byAlice: ['Bob', 'Bob'],
  },
];

describe('a proxy that lets the field of a client pass', () => {
  for (const { name, what, configure, ...outcomes } of mistakes) {
    it(`${name} ${what}`, async () => {
      for (const [i, withoutVerdict] of [true, false].entries()) {
        await using site = await siteBehind(name, { configure, withoutVerdict });
        const lines = [`${field}: ${written(name, bob)}`, `${verdictField}: ${good[name]}`];
        assert.equal(outcome(await visit(site, undefined, lines)), outcomes.byNobody[i]);
        assert.equal(outcome(await visit(site, alice, lines)), outcomes.byAlice[i]);
        assert.equal(outcome(await visit(site, undefined)), 403);
      }
    });
  }
});

describe('a proxy that lets other spellings of the field pass', () => {
  for (const name of ['haproxy', 'apache', 'caddy'] as const) {
    it(`is told so by the service: ${name}`, async () => {
      const line = /.*(?:del-header|RequestHeader unset|header_up -).*\n/g;
      await using site = await siteBehind(name, { configure: (text) => changed(text, line, '') });
      for (const spelling of ['X_SSL_Client_Cert', 'x_ssl_client_cert', 'X-SSL_Client.Cert']) {
        const lines = [`${spelling}: ${written(name, bob)}`];
        for (const who of [undefined, alice]) {
          assert.equal(outcome(await visit(site, who, lines)), 400);
          assert.match(site.events.refused.at(-1)!.reason, /others may take for/);
        }
      }
      assert.equal(outcome(await visit(site, alice)), 'Alice');
    });
  }
});

function outcome(seen: Visit): string | number {
  const thumbprint = thumbprintIn(seen);
  if (thumbprint === undefined) return seen.status;
  return thumbprint === bob.x5tS256 ? 'Bob' : thumbprint === alice.x5tS256 ? 'Alice' : 'another';
}
