import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type IssueOptions, testAuthority } from '../../src/pki/testing.ts';
import { readCertificate } from '../../src/x509/certificate.ts';
import { type ReferenceName, carries, readReferenceName } from '../../src/x509/reference-name.ts';
import { configError } from '../support/errors.ts';

const root = testAuthority();

describe('readReferenceName', () => {
  const good: readonly (readonly [given: ReferenceName, read: ReferenceName])[] = [
    [{ dnsName: 'A.Example' }, { dnsName: 'a.example' }],
    [{ dnsName: 'a.example.' }, { dnsName: 'a.example' }],
    [{ ip: '10.0.0.1' }, { ip: '10.0.0.1' }],
    [{ ip: '2001:DB8:0::1' }, { ip: '2001:db8::1' }],
    [{ email: 'Alice@Bank.Example' }, { email: 'Alice@bank.example' }],
    [{ email: '"A@B"@Bank.Example' }, { email: '"A@B"@bank.example' }],
    [{ uri: 'https://A/x' }, { uri: 'https://A/x' }],
  ];
  for (const [given, read] of good) {
    it(`reads ${JSON.stringify(given)} as ${JSON.stringify(read)}`, () => {
      assert.deepEqual(readReferenceName('names[0]', given), read);
    });
  }

  const bad: readonly (readonly [given: unknown, message: RegExp])[] = [
    [{ dnsName: '' }, /"" is no dnsName/],
    [{ dnsName: '.' }, /"\." is no dnsName/],
    [{ dnsName: 'a..example' }, /is no dnsName/],
    [{ dnsName: 'a.example..' }, /is no dnsName/],
    [{ dnsName: '*.example' }, /is no dnsName/],
    [{ dnsName: 'https://a.example' }, /is no dnsName/],
    [{ dnsName: 'a\0.example' }, /is no dnsName/],
    [{ ip: 'a.example' }, /is no ip/],
    [{ ip: '10.0.0.1/8' }, /is no ip/],
    [{ ip: 'a@b.example' }, /is no ip/],
    [{ dnsName: '::1' }, /is no dnsName/],
    [{ ip: 'fe80::1%eth0' }, /is no ip/],
    [{ email: 'alice' }, /is no email/],
    [{ email: '@a.example' }, /is no email/],
    [{ uri: '' }, /is no uri/],
    [{ dns: 'a.example' }, /"a\.example" is no dns$/],
    [{}, /must be one of \{ dnsName \}/],
    [{ dnsName: 'a.example', ip: '::1' }, /must be one of/],
    [{ dnsName: 1 }, /must be one of/],
    [{ dnsName: undefined }, /must be one of/],
    ['a.example', /must be one of/],
    [null, /must be one of/],
    [undefined, /must be one of/],
  ];
  for (const [given, message] of bad) {
    it(`refuses ${JSON.stringify(given)}`, () => {
      assert.throws(
        () => readReferenceName('names[0]', given as ReferenceName),
        configError('names[0]', message),
      );
    });
  }
});

describe('carries', () => {
  const rows: readonly (readonly [options: IssueOptions, name: ReferenceName, carries: boolean])[] =
    [
      [{ dnsNames: ['x.example', 'A.example'] }, { dnsName: 'a.example' }, true],
      [{ dnsNames: ['*.a.example'] }, { dnsName: 'x.a.example' }, true],
      [{ dnsNames: ['*.a.example'] }, { dnsName: 'a.example' }, false],
      [{ dnsNames: ['a.example'] }, { dnsName: 'b.example' }, false],
      [{ dnsNames: ['10.0.0.1'] }, { ip: '10.0.0.1' }, false],
      [{ ips: ['10.0.0.1'] }, { dnsName: '10.0.0.1' }, false],
      [{ ips: ['10.0.0.1'] }, { ip: '10.0.0.1' }, true],
      [{ ips: ['::ffff:10.0.0.1'] }, { ip: '10.0.0.1' }, false],
      [{ emails: ['Alice@BANK.example'] }, { email: 'Alice@bank.example' }, true],
      [{ emails: ['Alice@bank.example'] }, { email: 'alice@bank.example' }, false],
      [{ uris: ['spiffe://a/x'] }, { uri: 'spiffe://a/x' }, true],
      [{ uris: ['spiffe://a/x'] }, { uri: 'spiffe://a/x/' }, false],
      [{ subject: 'a.example', dnsNames: [] }, { dnsName: 'a.example' }, false],
      [
        { subject: [{ type: 'emailAddress', value: 'a@b.example' }], dnsNames: [] },
        { email: 'a@b.example' },
        false,
      ],
      [{ upns: ['a@b.example'] }, { email: 'a@b.example' }, false],
    ];
  for (const [options, name, expected] of rows) {
    it(`says ${expected ? 'yes' : 'no'} to ${JSON.stringify(name)} in ${JSON.stringify(options)}`, () => {
      assert.equal(carries(readCertificate(root.issue(options).der), name), expected);
    });
  }
});
