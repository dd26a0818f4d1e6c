import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { sendOnce } from '../support/connection.ts';
import { assertAccepted, guarded } from '../support/guarded.ts';
import { alice } from '../support/pki.ts';

const folder = mkdtempSync(join(tmpdir(), 'countersign-'));
after(() => rmSync(folder, { recursive: true }));
const pem = join(folder, 'alice.pem');
writeFileSync(pem, alice.cert + alice.key);

describe('openssl s_client', () => {
  it('C26: is cut off when it renegotiates', async () => {
    await using site = await guarded();
    const visit = await sendOnce(site.port, { cert: alice.cert, key: alice.key });
    assertAccepted(site, visit, 'dns:alice.example');

    const where = ['-connect', `127.0.0.1:${site.port}`, '-servername', 'localhost'];
    const child = spawn('openssl', ['s_client', ...where, '-tls1_2', '-cert', pem, '-key', pem]);
    let output = '';
    let asked = false;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        // Its last words of the handshake. A line of its own that begins with R is a command.
        if (!asked && output.includes('Extended master secret')) {
          asked = true;
          child.stdin.write('R\n');
        }
      });
    }
    child.stdin.on('error', () => {});
    const [status] = (await once(child, 'close')) as [number];
    assert.match(output, /RENEGOTIATING/);
    assert.notEqual(status, 0);
    assert.equal(site.handled.length, 1);
  });
});
