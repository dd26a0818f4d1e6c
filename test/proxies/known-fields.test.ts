import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isCertificateField, sameName } from '../../src/proxies/known-fields.ts';
import { presets } from '../../src/proxies/presets.ts';

describe('sameName', () => {
  it('is one spelling for all that some reader takes for the same', () => {
    for (const name of ['X-SSL-Client-Cert', 'x_ssl_client_cert', 'X.Ssl-Client_CERT']) {
      assert.equal(sameName(name), 'x-ssl-client-cert');
    }
  });
});

describe('isCertificateField', () => {
  it('knows the fields of every preset', () => {
    for (const { header, chain, verdict } of Object.values(presets)) {
      for (const name of [header, chain, verdict]) {
        if (name !== undefined) assert.ok(isCertificateField(sameName(name)), name);
      }
    }
  });

  // What servers and clouds send beside the certificate, by their documentation.
  for (const name of [
    'SSL_CLIENT_S_DN',
    'X-SSL-Client-Verify',
    'ssl-client-subject-dn',
    'X-Client-Cert-Fingerprint',
    'X-Forwarded-Tls-Client-Cert-Info',
    'X-Amzn-Mtls-Clientcert-Subject',
    'CloudFront-Viewer-Cert-Present',
    'Cf-Client-Cert-Sha256',
    'cf-cert-subject-dn',
    'l5d-client-id',
  ]) {
    it(`knows ${name}`, () => assert.ok(isCertificateField(sameName(name))));
  }

  for (const name of ['host', 'x-forwarded-for', 'x-client-id', 'certificate', 'cookie']) {
    it(`leaves ${name} alone`, () => assert.equal(isCertificateField(sameName(name)), false));
  }
});
