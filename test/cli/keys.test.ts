import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { temporaryDirectory } from '../pki/openssl.ts';
import { countersign } from './countersign.ts';

const directory = temporaryDirectory();
const home = join(directory, '.countersign/keys');
const run = (...args: string[]) => countersign(directory, 'keys', 'new', ...args);
const read = (file: string): string => readFileSync(join(home, file), 'utf8');
const modeOf = (file: string): number => statSync(join(home, file)).mode & 0o777;

/** Whether two files are the halves of one key. */
function isPair(name: string): boolean {
  return createPublicKey(createPrivateKey(read(`${name}.key`))).equals(
    createPublicKey(read(`${name}.pub`)),
  );
}

describe('countersign keys new', () => {
  it('makes the keys of both sides, and says what to do with them', async () => {
    const { code, out, err } = await run('device-7', 'api');
    assert.deepEqual([code, err], [0, '']);
    for (const name of ['device-7', 'api']) {
      assert.ok(isPair(name));
      assert.deepEqual([modeOf(`${name}.key`), modeOf(`${name}.pub`)], [0o600, 0o644]);
    }
    assert.equal(createPublicKey(read('api.pub')).asymmetricKeyType, 'ed25519');
    assert.match(out, /for the client +\.countersign\/keys\/device-7\.key \S*\/api\.pub\n/);
    assert.match(out, /for the service +\.countersign\/keys\/api\.key \S*\/device-7\.pub\n/);
    assert.match(out, /signatureClient\(\{ keyId: 'device-7', key: read\('device-7\.key'\) \}\)/);
    assert.match(out, /signedResponses\(\{ keyId: 'api', key: read\('api\.key'\) \}\)/);
    assert.doesNotMatch(out, /PRIVATE|BEGIN/);
    assert.ok(Math.max(...out.split('\n').map((line) => line.length)) <= 80, out);
    assert.equal(read('.gitignore'), '*\n');
  });

  it('keeps the keys of a service for its next client', async () => {
    const before = read('api.key');
    const { code, out } = await run('device-8', 'api', '--shared', '--json');
    assert.equal(code, 0);
    assert.equal(read('api.key'), before);
    const { client, server } = JSON.parse(out) as Record<string, readonly string[]>;
    const files = (...names: string[]) => names.map((name) => join('.countersign/keys', name));
    assert.deepEqual(client, files('device-8.secret', 'api.pub'));
    assert.deepEqual(server, files('api.key', 'device-8.secret'));
    assert.equal(Buffer.from(read('device-8.secret'), 'base64').length, 32);
    assert.equal(modeOf('device-8.secret'), 0o600);
    assert.equal(existsSync(join(home, 'device-8.key')), false);
  });

  it('changes nothing for a client that has keys', async () => {
    for (const name of ['device-7', 'device-8']) {
      const { code, err } = await run(name, 'other');
      assert.equal(code, 1);
      assert.match(err, /exists; nothing was changed/);
    }
    assert.equal(existsSync(join(home, 'other.key')), false);
  });

  it('makes keys of other kinds, elsewhere', async () => {
    for (const [algorithm, curve] of [
      ['ecdsa-p256-sha256', 'prime256v1'],
      ['ecdsa-p384-sha384', 'secp384r1'],
    ]) {
      const at = `keys-${curve}`;
      assert.equal((await run('a', 'b', `--algorithm=${algorithm}`, '--dir', at)).code, 0);
      const key = createPublicKey(readFileSync(join(directory, at, 'a.pub'), 'utf8'));
      assert.equal(key.asymmetricKeyDetails?.namedCurve, curve);
    }
  });

  for (const [args, message] of [
    [['a'], /<server> is missing/],
    [['a', 'a'], /different names/],
    [['../a', 'b'], /is no name for a key/],
    [['a', '-b'], /./],
    [['a', "b'"], /is no name for a key/],
    [['a', 'b', '--algorithm=rsa'], /must be one of/],
  ] as const) {
    it(`takes no ${args.join(' ')}`, async () => {
      const { code, err } = await run(...args);
      assert.equal(code, 2);
      assert.match(err, message);
    });
  }
});
