// The commands of the READMEs of examples, as a user types them, and what curl is told then.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Example, example } from '../support/example.ts';

const teller = 'spiffe://demo.example/teller';
const pay = ['-X', 'POST', '-d', 'amount=1'];
const forbidden = {
  status: 403,
  type: 'application/problem+json',
  text: '{"status":403,"title":"Forbidden"}',
};

for (const name of ['express', 'koa', 'nest', 'passport']) {
  describe(`examples/${name}`, () => {
    let service: Example;
    before(async () => {
      service = await example(name);
    });
    after(() => service[Symbol.asyncDispose]());

    it('gives curl its identity as JSON', async () => {
      const { status, type, text } = await service.curl('/', 'teller');
      assert.equal(status, 200);
      assert.match(type, /^application\/json/);
      const { subject, method } = JSON.parse(text) as { subject: string; method: string };
      assert.deepEqual([subject, method], [teller, 'mtls']);
    });

    it('refuses curl without a certificate', async () => {
      const answer = await service.curl('/');
      // Bodies and statuses of a strategy are Passport's.
      if (name !== 'passport') assert.deepEqual(answer, forbidden);
      else assert.deepEqual([answer.status, answer.text], [401, 'Unauthorized']);
    });

    it("lets curl pay with the teller's certificate, and not with the janitor's", async () => {
      const paid = await service.curl('/payments', 'teller', ...pay);
      assert.deepEqual([paid.status, JSON.parse(paid.text)], [201, { paidBy: teller }]);
      const refused = await service.curl('/payments', 'janitor', ...pay);
      if (name !== 'passport') return assert.deepEqual(refused, forbidden);
      assert.equal(refused.status, 403);
      assert.match(refused.text, /<pre>Forbidden<\/pre>/);
    });
  });
}
