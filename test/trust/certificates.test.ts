import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { rootCertificates } from 'node:tls';
import { testAuthority } from '../../src/pki/testing.ts';
import { CertificateStore } from '../../src/trust/certificates.ts';
import { nameKey } from '../../src/x509/name-match.ts';
import { configError } from '../support/errors.ts';
import { directoryFor, minutes, rotationErrors, until } from '../support/files.ts';

const [a, b, c] = [testAuthority({ subject: 'a' }), testAuthority(), testAuthority()];
const option = 'mtls.trustAnchors';
const store = (source: unknown): CertificateStore => new CertificateStore(option, source);
const ders = ({ all }: CertificateStore): readonly Buffer[] =>
  all.map(({ der }) => Buffer.from(der));

describe('CertificateStore', () => {
  it('takes PEM, DER, files and directories, alone or in a list', (context) => {
    const directory = directoryFor(context);
    const [pem, der] = [join(directory, 'b.pem'), join(directory, 'c.der')];
    writeFileSync(pem, b.cert);
    writeFileSync(der, c.der);
    assert.deepEqual(ders(store(a.cert)), [a.der]);
    assert.deepEqual(ders(store(a.cert + b.cert)), [a.der, b.der]);
    assert.deepEqual(ders(store(a.der)), [a.der]);
    assert.deepEqual(ders(store(Buffer.from(a.cert))), [a.der]);
    assert.deepEqual(ders(store(pem)), [b.der]);
    assert.deepEqual(ders(store(directory)), [b.der, c.der]);
    assert.deepEqual(ders(store([der, a.cert, pem, b.der])), [a.der, b.der, c.der, b.der]);
  });

  it('has them by their subject', () => {
    const { index } = store([a.cert, b.cert]);
    const [found] = store(a.cert).all;
    const list = index.withSubject(nameKey(found!.subject));
    assert.deepEqual(
      list.map(({ certificate }) => Buffer.from(certificate.der)),
      [a.der],
    );
    assert.deepEqual(index.withSubject('nobody'), []);
  });

  const bad: readonly (readonly [what: string, source: unknown, message: RegExp])[] = [
    ['nothing', [], /holds no certificate; name at least one CA/],
    ['empty text, as an unset variable is', '', /give certificates in PEM or DER/],
    ['a number', 1, /must be PEM text, DER bytes, the path of a file, or a list/],
    ['null', null, /must be PEM text/],
    ['a list with something else', [a.cert, {}], /must be PEM text/],
    ['PEM that is none', a.cert.replace('-----END', ''), /without an end; give certificates/],
    ['a key', a.key, /no "-----BEGIN CERTIFICATE-----"; give certificates/],
    ['bytes that are none', Buffer.of(0x30, 0x00), /give certificates in PEM or DER/],
    ['a path that leads nowhere', '/nowhere/ca.pem', /ENOENT/],
  ];
  for (const [what, source, message] of bad) {
    it(`refuses ${what}`, () => {
      assert.throws(() => store(source), configError(option, message));
    });
  }

  it('names the file that cannot be read', (context) => {
    const file = join(directoryFor(context), 'ca.pem');
    writeFileSync(file, 'text');
    assert.throws(() => store(file), configError(option, /ca\.pem: malformed: no "/));
    assert.throws(() => store(directoryFor(context)), configError(option, /holds no certificate/));
  });

  it('keeps a copy of bytes it is given', () => {
    const bytes = Buffer.from(a.der);
    const certificates = store(bytes);
    bytes.fill(0);
    assert.deepEqual(ders(certificates), [a.der]);
  });

  it('takes of a directory its CAs, and leaves keys, leaves and lists alone', (context) => {
    const directory = directoryFor(context);
    const leaf = a.issue();
    const files = {
      'ca.pem': a.cert,
      'tls.crt': leaf.leaf,
      'tls.pem': leaf.key,
      'crl.pem': a.crl().pem,
    };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
    writeFileSync(join(directory, 'list.crl'), a.crl().der);
    assert.deepEqual(ders(store(directory)), [a.der]);
    assert.deepEqual(ders(store(join(directory, 'tls.crt'))), [leaf.der]);
  });

  it('keeps what it had where its files are emptied', async (context) => {
    const directory = directoryFor(context);
    const file = join(directory, 'ca.pem');
    writeFileSync(file, a.cert);
    const clock = minutes(context);
    const failures = rotationErrors(context, option);
    const files = store(directory);
    writeFileSync(file, '');
    clock.pass();
    files.refresh();
    await until(() => failures.length === 1);
    assert.match(String(failures[0]), /holds no certificate/);
    assert.deepEqual(ders(files), [a.der]);
  });

  it('takes a file of public roots, of which some are no DER', (context) => {
    const file = join(directoryFor(context), 'roots.pem');
    writeFileSync(file, rootCertificates.join('\n'));
    assert.ok(store(file).all.length > 100);
  });

  it("takes Node's own roots, of which some are no DER", () => {
    assert.ok(store(rootCertificates).all.length > 100);
  });

  it('takes over files that have changed, and keeps what it had where they are no good', async (context) => {
    const file = join(directoryFor(context), 'ca.pem');
    writeFileSync(file, a.cert);
    const clock = minutes(context);
    const failures = rotationErrors(context, option);
    const files = new CertificateStore(option, [c.cert, file]);
    assert.equal(files.version, 1);
    const before = files.index;
    assert.equal(files.index, before);

    writeFileSync(file, a.cert + b.cert);
    clock.pass();
    files.refresh();
    await until(() => files.version === 2);
    assert.deepEqual(ders(files), [c.der, a.der, b.der]);
    assert.notEqual(files.index, before);

    writeFileSync(file, 'rubbish');
    clock.pass();
    await until(() => {
      files.refresh();
      return failures.length === 1;
    });
    configError(option, /ca\.pem/)(failures[0]);
    assert.equal(files.version, 2);
    assert.deepEqual(ders(files), [c.der, a.der, b.der]);
  });
});
