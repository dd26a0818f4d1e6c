// What a signed request costs beside the one call of node:crypto that it cannot do without, and what the
// npm libraries take for the same request with the same keys.
import {
  createHmac,
  createSecretKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  timingSafeEqual,
  verify,
} from 'node:crypto';
import { contentDigest, signMessage, signatureBase, verifyMessage } from 'countersign/signature';
import { createSignature, verifySignature } from 'http-message-sig';
import foreign from 'http-message-signatures';
import { answerParent } from './answer-parent.mjs';

const request = {
  method: 'POST',
  url: 'https://api.bank.example/accounts/7/pay?to=8&amount=5',
  headers: {
    host: 'api.bank.example',
    accept: '*/*',
    'user-agent': 'till/1.0',
    'content-type': 'application/json',
    'content-length': '12',
    'content-digest': contentDigest('{"amount":5}'),
  },
};
const components = ['@method', '@authority', '@path', '@query', 'content-digest', 'content-type'];
const parameters = () => ({
  created: Math.floor(Date.now() / 1000),
  nonce: 'b3k2pp5k7z50gnwpyemd',
  keyid: 'till-7',
  tag: 'countersign-request',
});

const pairs = {
  'hmac-sha256': () => {
    const secret = createSecretKey(randomBytes(32));
    return { privateKey: secret, publicKey: secret };
  },
  ed25519: () => generateKeyPairSync('ed25519'),
  'ecdsa-p256-sha256': () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
};

let work;

answerParent({
  /** Makes keys and messages, and sees that each library takes what each signs. */
  async prepare(algorithm) {
    const { privateKey, publicKey } = pairs[algorithm]();
    const bare = bareOf(algorithm, privateKey, publicKey);
    const options = { components, parameters: parameters() };
    const base = Buffer.from(signatureBase(request, options));
    const signature = bare.sign(base);
    const signer = { algorithm, key: privateKey };
    const verifier = { algorithm, key: publicKey };
    const signed = {
      ...request,
      headers: { ...request.headers, ...signMessage(request, { ...options, signer }) },
    };
    const descriptor = ({ method, url, headers }) => ({
      kind: 'request',
      method,
      targetUri: url,
      fields: Object.entries(headers).map(([name, value]) => ({ name, value })),
    });
    const foreignKey = {
      id: 'till-7',
      algs: [algorithm],
      verify: foreign.createVerifier(
        publicKey.type === 'secret' ? publicKey.export() : publicKey,
        algorithm,
      ),
    };
    const foreignSigner = foreign.createSigner(
      privateKey.type === 'secret' ? privateKey.export() : privateKey,
      algorithm,
      'till-7',
    );
    const policy = {
      algorithms: [algorithm],
      requiredComponents: components,
      requiredParameters: ['created', 'keyid'],
      maxAge: 300,
      clockSkew: 5,
    };
    const sigVerifier = { algorithm, verify: (data, given) => bare.verify(data, given) };
    const sigSigner = { algorithm, sign: (data) => bare.sign(data) };
    const other = descriptor(signed);
    const unsigned = descriptor(request);
    work = {
      verify: {
        bare: () => must(bare.verify(base, signature)),
        ours: () =>
          must(
            verifyMessage(signed, {
              key: () => verifier,
              tag: 'countersign-request',
              required: components,
            }).key === verifier,
          ),
        'http-message-signatures': async () =>
          must(
            await foreign.httpbis.verifyMessage(
              {
                keyLookup: async () => foreignKey,
                requiredFields: components,
                requiredParams: ['created', 'keyid'],
              },
              signed,
            ),
          ),
        'http-message-sig': async () =>
          must(await verifySignature(other, { policy, resolveVerifier: () => sigVerifier })),
      },
      sign: {
        bare: () => must(bare.sign(base)),
        ours: () =>
          must(signMessage(request, { components, parameters: options.parameters, signer })),
        'http-message-signatures': async () =>
          must(
            await foreign.httpbis.signMessage(
              {
                key: foreignSigner,
                fields: components,
                params: ['created', 'nonce', 'keyid', 'tag'],
                paramValues: { nonce: parameters().nonce, tag: 'countersign-request' },
              },
              request,
            ),
          ),
        'http-message-sig': async () =>
          must(
            await createSignature(unsigned, {
              label: 'sig',
              components,
              parameters: options.parameters,
              signer: sigSigner,
            }),
          ),
      },
    };
    for (const one of Object.values(work.verify)) await one();
    return Object.keys(work.verify);
  },
  /** Microseconds for each library, one after the other. */
  async measure({ verb, times }) {
    const measured = {};
    for (const [name, one] of Object.entries(work[verb])) measured[name] = await each(times, one);
    return measured;
  },
});

function bareOf(algorithm, privateKey, publicKey) {
  if (algorithm === 'hmac-sha256') {
    const hmac = (data) => createHmac('sha256', privateKey).update(data).digest();
    return { sign: hmac, verify: (data, given) => timingSafeEqual(hmac(data), given) };
  }
  const [hash, more] =
    algorithm === 'ed25519' ? [null, {}] : ['sha256', { dsaEncoding: 'ieee-p1363' }];
  return {
    sign: (data) => sign(hash, data, { key: privateKey, ...more }),
    verify: (data, given) => verify(hash, data, { key: publicKey, ...more }, given),
  };
}

function must(answer) {
  if (answer === false || answer === undefined) throw new Error('refused');
}

// A promise is waited for only where there is one, so that nobody pays for another's.
async function each(times, one) {
  const before = process.cpuUsage();
  for (let i = 0; i < times; i++) {
    const answer = one();
    if (answer !== undefined) await answer;
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / times;
}
