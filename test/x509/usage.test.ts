import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type IssueOptions, testAuthority } from '../../src/pki/testing.ts';
import { readCertificate } from '../../src/x509/certificate.ts';
import {
  type Purpose,
  type TlsPurpose,
  checkPurpose,
  checkTlsUsage,
} from '../../src/x509/usage.ts';
import { authError } from '../support/errors.ts';

const root = testAuthority();
const check = (options: IssueOptions, purpose: TlsPurpose): void =>
  checkTlsUsage(readCertificate(root.issue(options).der), purpose);

describe('checkTlsUsage', () => {
  const table: readonly (readonly [
    what: string,
    options: IssueOptions,
    clientAuth: boolean,
    serverAuth: boolean,
  ])[] = [
    ['for both ends', { usage: ['clientAuth', 'serverAuth'] }, true, true],
    ['for clients', { usage: 'clientAuth' }, true, false],
    ['for servers', { usage: 'serverAuth' }, false, true],
    ['for clients among other purposes', { usage: ['codeSigning', 'clientAuth'] }, true, false],
    ['for something else', { usage: 'codeSigning' }, false, false],
    ['for anything', { usage: 'any' }, false, false],
    ['for anything and clients', { usage: ['any', 'clientAuth'] }, true, false],
    ['that says no purpose', { usage: null }, true, true],
    ['that says neither purpose nor key usage', { usage: null, keyUsage: null }, true, true],
    ['that says no key usage', { keyUsage: null }, true, true],
    ['with a key that signs', { keyUsage: ['digitalSignature', 'keyAgreement'] }, true, true],
    ['with a key that only transports', { keyUsage: ['keyEncipherment'] }, false, false],
    ['with a key that only agrees', { keyUsage: ['keyAgreement'] }, false, false],
    ['with a key that signs certificates', { keyUsage: ['keyCertSign'] }, false, false],
    ['with a key that only commits', { keyUsage: ['nonRepudiation'] }, false, false],
    ['with a key for nothing', { keyUsage: [] }, false, false],
  ];
  for (const [what, options, clientAuth, serverAuth] of table) {
    it(`${clientAuth ? 'lets' : 'does not let'} a certificate ${what} stand for a client`, () => {
      if (clientAuth) check(options, 'clientAuth');
      else assert.throws(() => check(options, 'clientAuth'), authError('ERR_CERTIFICATE_USAGE'));
    });
    it(`${serverAuth ? 'lets' : 'does not let'} a certificate ${what} stand for a server`, () => {
      if (serverAuth) check(options, 'serverAuth');
      else assert.throws(() => check(options, 'serverAuth'), authError('ERR_CERTIFICATE_USAGE'));
    });
  }
});

describe('checkPurpose', () => {
  const purposes: readonly Purpose[] = ['clientAuth', 'serverAuth', 'ocspSigning', 'any'];
  /** For each purpose, in this order. */
  const rows: readonly (readonly [
    what: string,
    options: IssueOptions,
    leaf: boolean,
    good: string,
  ])[] = [
    ['a leaf that says nothing', { usage: null, keyUsage: null }, true, 'yyyy'],
    ['a leaf for clients', { usage: 'clientAuth' }, true, 'ynny'],
    ['a leaf for servers', { usage: ['serverAuth', '1.2.3'] }, true, 'nyny'],
    ['a leaf for OCSP', { usage: 'ocspSigning' }, true, 'nnyy'],
    ['a leaf for something else', { usage: '1.2.3' }, true, 'nnny'],
    ['a leaf for anything', { usage: 'any' }, true, 'yyyy'],
    ['a CA for clients', { usage: 'clientAuth', ca: true }, false, 'ynny'],
    ['a CA for anything', { usage: 'any', ca: true }, false, 'yyyy'],
    ['a CA that says nothing', { usage: null, ca: true }, false, 'yyyy'],
    ['a leaf whose key signs', { usage: null, keyUsage: ['digitalSignature'] }, true, 'yyyy'],
    ['a leaf whose key transports', { usage: null, keyUsage: ['keyEncipherment'] }, true, 'nyny'],
    ['a leaf whose key agrees', { usage: null, keyUsage: ['keyAgreement'] }, true, 'yyny'],
    ['a leaf whose key commits', { usage: null, keyUsage: ['nonRepudiation'] }, true, 'nnyy'],
    ['a leaf whose key signs CRLs', { usage: null, keyUsage: ['cRLSign'] }, true, 'nnny'],
  ];
  for (const [what, options, leaf, good] of rows) {
    for (const [i, purpose] of purposes.entries()) {
      it(`${good[i] === 'y' ? 'accepts' : 'refuses'} ${what} for ${purpose}`, () => {
        const certificate = readCertificate(root.issue(options).der);
        const ask = () => checkPurpose(certificate, purpose, leaf);
        if (good[i] === 'y') ask();
        else assert.throws(ask, authError('ERR_CERTIFICATE_USAGE', new RegExp(`for ${purpose}`)));
      });
    }
  }
});
