import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isCrossSite } from '../../src/http/cross-site.ts';

const own = 'https://api.example';
const shop = 'https://shop.example';

interface Claim {
  readonly method?: string;
  readonly upgrade?: boolean;
  readonly origin?: string | undefined;
  readonly secFetchSite?: string | undefined;
}

function crossSite(claim: Claim, origins: readonly string[] = []): boolean {
  const { method = 'POST', upgrade = false, origin, secFetchSite } = claim;
  const field = (name: string) => (name === 'origin' ? origin : secFetchSite);
  const place = { scheme: 'https', authority: new URL(own).host } as const;
  return isCrossSite({ method, upgrade, ...place, field }, new Set(origins));
}

describe('isCrossSite', () => {
  // Every claim of an unsafe request: whether it is refused; and whether still where `shop` is listed.
  const claims: readonly (readonly [
    origin: string | undefined,
    site: string | undefined,
    crossSite: boolean,
    whereListed: boolean,
  ])[] = [
    [undefined, undefined, false, false],
    [undefined, 'same-origin', false, false],
    [undefined, 'none', false, false],
    [undefined, 'same-site', true, true],
    [undefined, 'cross-site', true, true],
    [undefined, 'Same-Origin', true, true],
    [undefined, '', true, true],
    [undefined, 'same-origin, cross-site', true, true],
    [own, undefined, false, false],
    ['HTTPS://API.example', undefined, false, false],
    [own, 'same-origin', false, false],
    [own, 'none', false, false],
    [own, 'cross-site', true, true],
    [own, 'same-site', true, true],
    ['null', undefined, true, true],
    ['null', 'same-origin', true, true],
    ['', undefined, true, true],
    ['http://api.example', undefined, true, true],
    ['https://api.example:8443', undefined, true, true],
    ['https://api.example:443', undefined, true, true],
    ['https://api.example.', undefined, true, true],
    ['https://api.example/', undefined, true, true],
    ['https://api.example, https://evil.example', undefined, true, true],
    ['https://evil.example', undefined, true, true],
    ['https://evil.example', 'same-origin', true, true],
    [shop, undefined, true, false],
    [shop, 'cross-site', true, false],
    [shop, 'same-site', true, false],
    ['https://Shop.example', 'cross-site', true, false],
    ['https://x.shop.example', 'cross-site', true, true],
    [`${shop}:8443`, 'cross-site', true, true],
  ];
  for (const [origin, secFetchSite, expected, whereListed] of claims) {
    const claim = { origin, secFetchSite };
    it(`${expected ? 'sees' : 'does not see'} one in ${JSON.stringify(claim)}`, () => {
      assert.equal(crossSite(claim), expected);
      assert.equal(crossSite(claim, [shop]), whereListed);
    });
  }

  for (const method of ['GET', 'HEAD', 'OPTIONS', 'TRACE']) {
    it(`lets ${method} be, unless it upgrades`, () => {
      const claim = { method, origin: 'https://evil.example', secFetchSite: 'cross-site' };
      assert.equal(crossSite(claim), false);
      assert.equal(crossSite({ ...claim, upgrade: true }), true);
      assert.equal(crossSite({ ...claim, upgrade: true, origin: own }), true);
      assert.equal(crossSite({ method, upgrade: true, origin: own }), false);
      assert.equal(crossSite({ method, upgrade: true }), false);
    });
  }

  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'CONNECT', 'PROPFIND', 'get', '']) {
    it(`minds ${method || 'no method'}`, () => {
      assert.equal(crossSite({ method, origin: 'https://evil.example' }), true);
      assert.equal(crossSite({ method, secFetchSite: 'cross-site' }), true);
    });
  }
});
