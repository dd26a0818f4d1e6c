// What the attacker has: a page in the browser of somebody whose certificate goes along by itself. What must
// happen: that page can change nothing here.
import { describe, it } from 'node:test';
import { createVerifier, mtls } from '../../src/index.ts';
import { sendOnce } from '../support/connection.ts';
import { assertAccepted, assertRefused, guarded } from '../support/guarded.ts';
import { alice } from '../support/pki.ts';

const evil = 'https://evil.example';
const shop = 'https://shop.example';
const own = 'https://localhost:8443';

interface Row {
  readonly sends: Readonly<Record<string, string | readonly string[]>>;
  readonly method?: string;
}

const refused: readonly Row[] = [
  { sends: { origin: evil } },
  { sends: { origin: 'null' } },
  { sends: { origin: '' } },
  { sends: { origin: 'http://localhost:8443' } },
  { sends: { origin: 'https://localhost' } },
  { sends: { origin: 'https://localhost:8443.evil.example' } },
  { sends: { origin: [shop, evil] } },
  { sends: { origin: `${own}, ${evil}` } },
  { sends: { 'sec-fetch-site': 'cross-site' } },
  { sends: { 'sec-fetch-site': 'same-site' } },
  { sends: { 'sec-fetch-site': 'cross-site', origin: own } },
  { sends: { origin: evil, 'sec-fetch-site': 'same-origin' } },
  { sends: { origin: evil }, method: 'PUT' },
  { sends: { origin: evil }, method: 'PATCH' },
  { sends: { origin: evil }, method: 'DELETE' },
  { sends: { origin: evil, connection: 'upgrade', upgrade: 'websocket' }, method: 'GET' },
];

const welcome: readonly Row[] = [
  { sends: {} },
  { sends: { origin: own } },
  { sends: { origin: own, 'sec-fetch-site': 'same-origin' } },
  { sends: { origin: shop, 'sec-fetch-site': 'cross-site' } },
  { sends: { 'sec-fetch-site': 'none' } },
  { sends: { origin: evil, 'sec-fetch-site': 'cross-site' }, method: 'GET' },
  { sends: { origin: evil, 'sec-fetch-site': 'cross-site' }, method: 'OPTIONS' },
];

describe('a page of another origin', () => {
  const verifier = createVerifier({ methods: [mtls()], origins: [shop] });
  const shown = { cert: alice.cert, key: alice.key };
  const send = (port: number, { sends, method = 'POST' }: Row) =>
    sendOnce(port, shown, {
      method,
      headers: { host: 'localhost:8443', ...sends },
      ...(method === 'POST' ? { body: 'pay' } : {}),
    });

  for (const row of refused) {
    it(`C29: is refused: ${row.method ?? 'POST'} ${JSON.stringify(row.sends)}`, async () => {
      await using site = await guarded({ verifier });
      assertRefused(site, await send(site.port, row), { code: 'ERR_CROSS_SITE' });
    });
  }

  for (const row of welcome) {
    it(`may send ${row.method ?? 'POST'} ${JSON.stringify(row.sends)}`, async () => {
      await using site = await guarded({ verifier });
      assertAccepted(site, await send(site.port, row), 'dns:alice.example');
    });
  }

  it('C29: is refused also where everybody may pass, for the certificate goes along', async () => {
    const open = createVerifier({ methods: [mtls()], policy: { allowAnonymous: true } });
    await using site = await guarded({ verifier: open });
    const row = { sends: { origin: evil } };
    assertRefused(site, await send(site.port, row), { code: 'ERR_CROSS_SITE' });
  });
});
