import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type IssueOptions, testAuthority } from '../../src/pki/testing.ts';
import { readCertificate } from '../../src/x509/certificate.ts';
import { type TlsPurpose, checkTlsUsage } from '../../src/x509/usage.ts';
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
