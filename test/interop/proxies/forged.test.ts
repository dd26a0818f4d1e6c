// P3, P4, P11: what clients write into the fields themselves, through real proxies as README configures them.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { alice, bob } from '../../support/pki.ts';
import { type ServerName, serverNames } from './servers.ts';
import { type Site, siteBehind } from './site.ts';
import { good, thumbprintIn, visit, written } from './visit.ts';

const field = 'X-SSL-Client-Cert';
const verdictField = 'X-SSL-Client-Verify';

/** The status for a client without a certificate, and for Alice. */
type Statuses = readonly [number, number];

interface Forgery {
  /** What an attacker sends who has seen Bob's certificate, which is no secret. */
  readonly lines: (certificate: string, verdict: string) => readonly string[];
  /** Where it is not that the proxy takes the forgery away: then nobody is nobody, and Alice is Alice. */
  readonly otherwise?: Partial<Readonly<Record<ServerName, Statuses>>>;
}

const usual: Statuses = [403, 200];
const refused: Statuses = [400, 400];
// The service refuses other spellings of the field where a proxy lets them pass.
const passedOn = { apache: refused, caddy: refused };
// HAProxy hands `Connection` on as it came. Apache obeys it, and takes its own fields away from Alice.
const ownFieldsGone = { haproxy: refused, apache: [403, 400] } as const;

const forgeries: Readonly<Record<string, Forgery>> = {
  'the field': { lines: (value) => [`${field}: ${value}`] },
  'the field, in lower case': { lines: (value) => [`${field.toLowerCase()}: ${value}`] },
  'the field, in upper case': { lines: (value) => [`${field.toUpperCase()}: ${value}`] },
  'the field and a good verdict': {
    lines: (value, verdict) => [`${field}: ${value}`, `${verdictField}: ${verdict}`],
  },
  'the field twice': { lines: (value) => [`${field}: ${value}`, `${field}: ${value}`] },
  'the field in two cases': {
    lines: (value) => [`${field.toLowerCase()}: ${value}`, `${field.toUpperCase()}: ${value}`],
  },
  underscores: {
    lines: (value, verdict) => [
      `${field.replaceAll('-', '_')}: ${value}`,
      `${verdictField.replaceAll('-', '_')}: ${verdict}`,
    ],
  },
  'underscores in lower case': { lines: (value) => [`x_ssl_client_cert: ${value}`] },
  'one underscore': { lines: (value) => [`X-SSL-Client_Cert: ${value}`], otherwise: passedOn },
  dots: { lines: (value) => [`X.SSL.Client.Cert: ${value}`], otherwise: passedOn },
  'a folded line': {
    lines: (value) => [`${field}:`, ` ${value}`],
    otherwise: { nginx: refused },
  },
  'a space before the colon': {
    lines: (value) => [`${field} : ${value}`],
    otherwise: { nginx: refused, haproxy: refused, apache: refused, caddy: refused },
  },
  'a tab before the name': {
    lines: (value) => [`\t${field}: ${value}`],
    otherwise: { nginx: refused, haproxy: refused, apache: refused, caddy: refused },
  },
  'the chain field': { lines: (value) => [`X-SSL-Client-Chain: ${value}`] },
  'a bad verdict': { lines: () => [`${verdictField}: FAILED:forged`] },
  'the field, named in Connection': {
    lines: (value) => [`Connection: ${field}`, `${field}: ${value}`],
    otherwise: ownFieldsGone,
  },
  'the field and both names in Connection': {
    lines: (value, verdict) => [
      `Connection: ${field.toLowerCase()}, ${verdictField.toLowerCase()}`,
      `${field}: ${value}`,
      `${verdictField}: ${verdict}`,
    ],
    otherwise: { haproxy: refused, apache: [403, 403] },
  },
  'underscores, and the name in Connection': {
    lines: (value) => [`Connection: ${field}`, `X_SSL_Client_Cert: ${value}`],
    otherwise: ownFieldsGone,
  },
  'only the name, in Connection': {
    lines: () => [`Connection: ${field}`],
    otherwise: ownFieldsGone,
  },
  'only the name of the verdict, in Connection': {
    lines: () => [`Connection: ${verdictField}`],
    otherwise: ownFieldsGone,
  },
  'the name in Proxy-Connection': {
    lines: (value) => [`Proxy-Connection: ${field}`, `${field}: ${value}`],
  },
  'fields of other proxies': {
    lines: (_, verdict) => [
      `Client-Cert: :${bob.der.toString('base64')}:`,
      `X-Forwarded-Client-Cert: Hash=00;Cert="${encodeURIComponent(bob.leaf)}"`,
      `X-Forwarded-Tls-Client-Cert: ${bob.der.toString('base64')}`,
      `Ssl-Client-Cert: ${encodeURIComponent(bob.leaf)}`,
      `Ssl-Client-Verify: ${verdict}`,
    ],
  },
};

for (const name of serverNames) {
  describe(`what clients forge, through ${name}`, () => {
    let site: Site;
    before(async () => {
      site = await siteBehind(name);
    });
    after(() => site[Symbol.asyncDispose]());

    for (const [what, { lines, otherwise }] of Object.entries(forgeries)) {
      const sent = lines(written(name, bob), good[name]);
      const [nobody, herself] = otherwise?.[name] ?? usual;

      it(`makes nobody of a client without a certificate: ${what}`, async () => {
        assert.equal((await visit(site, undefined, sent)).status, nobody, reason(site));
      });

      it(`leaves Alice Alice${herself === 200 ? '' : ', who is refused'}: ${what}`, async () => {
        const seen = await visit(site, alice, sent);
        assert.equal(seen.status, herself, reason(site));
        assert.equal(thumbprintIn(seen), herself === 200 ? alice.x5tS256 : undefined);
        assert.doesNotMatch(seen.answer?.fields.join('\n') ?? '', /cert|verify/i);
      });
    }

    it('takes nothing from what comes behind the body', async () => {
      const lines = ['Transfer-Encoding: chunked', 'TE: trailers', `Trailer: ${field}`];
      const trailer = `${field}: ${written(name, bob)}`;
      const body = ['1', 'x', '0', trailer, '', ''].join('\r\n');
      assert.equal((await visit(site, undefined, lines, { body })).status, 403, reason(site));
      assert.equal(thumbprintIn(await visit(site, alice, lines, { body })), alice.x5tS256);
    });

    it('makes nobody Bob', () => {
      const forged = site.events.accepted.filter(({ subject }) => subject !== 'dns:alice.example');
      assert.deepEqual(forged, []);
    });
  });
}

function reason(site: Site): string | undefined {
  return site.events.refused.at(-1)?.reason;
}
