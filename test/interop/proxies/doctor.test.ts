// `countersign doctor --forge` at the door of each server, as README configures it and as nobody should.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Outcome, countersign } from '../../cli/countersign.ts';
import { alice, authority } from '../../support/pki.ts';
import { serverNames } from './servers.ts';
import { changed, siteBehind } from './site.ts';

describe('countersign doctor --forge', () => {
  let directory: string;
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'countersign-'));
    writeFileSync(join(directory, 'ca.pem'), authority.cert);
    writeFileSync(join(directory, 'alice.pem'), alice.cert);
  });
  after(() => rmSync(directory, { recursive: true }));
  const examine = (port: number): Promise<Outcome> =>
    countersign(
      directory,
      ...['doctor', '--forge', `https://localhost:${port}/`],
      ...['--ca', 'ca.pem', '--cert', 'alice.pem'],
    );

  for (const name of serverNames) {
    it(`finds nothing behind ${name} as README has it`, async () => {
      await using site = await siteBehind(name);
      const { code, out, err } = await examine(site.port);
      assert.equal(code, 0, out + err);
    });
  }

  it('finds a proxy that does not write the field', async () => {
    const configure = (text: string): string =>
      changed(text, /^.*proxy_set_header X-SSL-Client-Cert.*\n/m, '');
    await using site = await siteBehind('nginx', { configure, withoutVerdict: true });
    const { code, out } = await examine(site.port);
    assert.equal(code, 1);
    assert.match(out, /x-ssl-client-cert .*believed/i);
  });
});
