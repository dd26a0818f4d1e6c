// Every case of the public suites, by name. Where we answer otherwise, the case stands here with the reason,
// and a case that no longer differs fails as well.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { validatePath } from 'countersign';
import { describeVectors } from '../support/vectors.ts';
import { optionsOf, policyOid, readSuite } from './suites.ts';

type Differences = Readonly<Record<string, string>>;

const anchors = 'what an anchor says of itself counts here (RFC 5937), and its validity too';
const weak = 'an algorithm or key that is not accepted here';
const browsers = 'browser profile, which is advice: it needs the list of public suffixes';

const limbo: Differences = {
  'cve::cve-2024-0567':
    'the anchor is cross-signed and has no authority key identifier, which the case cross-signed-root-missing-aki wants refused',
  'webpki::san::public-suffix-multi-label-wildcard-san': browsers,
  'webpki::san::public-suffix-private-namespace-wildcard-san': browsers,
};

const boringssl: Differences = {
  'boringssl::expired-root/not-after-ta-with-constraints': anchors,
  'boringssl::expired-root/not-before': anchors,
  'boringssl::policies-inhibit-mapping-by-root-fail/main': anchors,
  'boringssl::root-eku-clientauth/serverauth': anchors,
  'boringssl::violates-pathlen-1-from-root/main': anchors,
  'boringssl::root-lacks-basic-constraints/ta-with-constraints':
    'an anchor without basic constraints is no CA (limbo: root-missing-basic-constraints)',
  'boringssl::issuer-and-subject-not-byte-for-byte-equal/anchor': `${weak}: RSA of 2047 bits`,
  'boringssl::intermediate-eku-any-and-clientauth/clientauth-strict-leaf':
    'strict for the leaf alone: our browser profile is strict for CAs as well',
  'boringssl::intermediate-eku-any-and-clientauth/serverauth-strict-leaf':
    'strict for the leaf alone: our browser profile is strict for CAs as well',
  'boringssl::target-eku-clientauth/clientauth-strict':
    'strict wants purposes in every CA, which RFC 5280 section 4.2.1.12 does not',
  'boringssl::target-has-pathlen-but-not-ca/main':
    'RFC 5280 section 4.2.1.9: no path length without being a CA (x509test: path-nonca)',
  'boringssl::target-msapplicationpolicies-and-eku/main':
    'a critical extension of one vendor, unknown here',
  'boringssl::target-serverauth-various-keyusages/ec-decipherOnly':
    'RFC 5280 section 4.2.1.12: a key usage that is not consistent with TLS',
};

const nameConstraints =
  'RFC 5280 section 4.2.1.10: name constraints are critical (x509test: name-constraints-noncrit)';

const openssl: Differences = {
  'openssl-verify-089': 'RFC 5280 section 4.2.1.9: no path length without being a CA',
  'openssl-verify-119': `${weak}: RSA of 768 bits`,
  'openssl-verify-129': `${weak}: MD5`,
  'openssl-verify-146': nameConstraints,
  'openssl-verify-148': nameConstraints,
  'openssl-verify-163': nameConstraints,
  'openssl-verify-174': 'a DNS name constraint with a leading dot (limbo: dnsname-leading-period)',
  'openssl-verify-175': 'a DNS name constraint with a leading dot (limbo: dnsname-leading-period)',
  'openssl-verify-180': 'not DER: a default value is written out',
};

const pkits: Differences = {
  'pkits::4.1.5 Valid DSA Parameter Inheritance Test5': `${weak}: DSA`,
};

describeVectors('validatePath on public suites', 'x509', (folder) => {
  for (const [file, differences] of [
    ['limbo-core-half.json', limbo],
    ['pkits-half.json', pkits],
    ['boringssl-half.json', boringssl],
    ['openssl-verify-half.json', openssl],
    ['x509test-google-half.json', {}],
    ['bettertls-sample.json.gz', {}],
  ] as const) {
    for (const one of readSuite(folder, file)) {
      const difference = (differences as Differences)[one.id];
      const expected = (one.expected_result === 'SUCCESS') === (difference === undefined);
      it(`${expected ? 'accepts' : 'refuses'} ${one.id}`, async (context) => {
        if (difference !== undefined) context.diagnostic(`otherwise than the suite: ${difference}`);
        const answer = await validatePath(optionsOf(one));
        assert.equal(answer.valid, expected, answer.valid ? undefined : answer.reason);
        const policies = one.x?.user_constrained_policy_set;
        if (answer.valid && policies !== undefined) {
          assert.deepEqual([...answer.policies].sort(), policies.map(policyOid).sort());
        }
      });
    }
  }
});
