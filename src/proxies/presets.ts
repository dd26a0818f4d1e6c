// What each proxy calls its fields and how it writes certificates. A preset names a combination of the four
// decoders with the words of one proxy, and does nothing else.
import type { Decoder } from './decoders/decoder.ts';
import { decodeDer, decodeEscapedDer, decodeJoinedDer } from './decoders/der-base64.ts';
import { decodePem } from './decoders/pem-url.ts';
import type { PresetName } from './options.ts';
import { decodeClientCert, decodeClientCertChain } from './decoders/rfc9440.ts';

export interface Preset {
  /** `xfcc` holds more than certificates, and is read by rules of its own. */
  readonly decoder: Decoder | 'xfcc';
  /** The field that holds the leaf; undefined where the proxy has no name for it. */
  readonly header?: string;
  /** Whether further certificates may stand behind the leaf in the same field. */
  readonly several?: true;
  /** The field of further certificates, where the proxy has a name for it. */
  readonly chain?: string;
  readonly chainDecoder?: Decoder;
  /** Whether the chain may come in several lines. */
  readonly chainLines?: true;
  /** The field of the proxy's verdict, where it is always there. */
  readonly verdict?: string;
  readonly words: VerdictWords;
  /** What stands in the field instead of a certificate where the peer showed none; always also nothing. */
  readonly absent?: string;
}

/** What a verdict field may say. Anything else refuses. */
export interface VerdictWords {
  /** Of a certificate that the proxy would have accepted. */
  readonly good: readonly string[];
  /** Where there is no certificate. */
  readonly none: readonly string[];
}

const openssl: VerdictWords = { good: ['SUCCESS'], none: ['NONE'] };
// Of HAProxy: `ssl_c_verify` is OpenSSL's number, and 0 also where there is no certificate; `ssl_c_used` before it tells.
const number: VerdictWords = { good: ['0', '1 0'], none: ['0', '0 0'] };
const truth: VerdictWords = { good: ['true'], none: ['false', ''] };
const any: VerdictWords = { good: ['SUCCESS', 'true'], none: ['NONE', 'false', ''] };

const rfc9440 = {
  decoder: decodeClientCert,
  header: 'client-cert',
  chain: 'client-cert-chain',
  chainDecoder: decodeClientCertChain,
  chainLines: true,
  absent: '::',
} as const;
const pem = { decoder: decodePem, chainDecoder: decodePem } as const;
const der = { decoder: decodeDer, chainDecoder: decodeDer } as const;
const xfcc = { decoder: 'xfcc', header: 'x-forwarded-client-cert', words: any } as const;

export const presets: Readonly<Record<PresetName, Preset>> = {
  nginx: { ...pem, header: 'x-ssl-client-cert', words: openssl },
  'ingress-nginx': {
    ...pem,
    header: 'ssl-client-cert',
    verdict: 'ssl-client-verify',
    words: openssl,
  },
  kong: { ...pem, header: 'x-client-cert', words: openssl },
  haproxy: { ...der, chainDecoder: decodeJoinedDer, words: number },
  apache: { ...pem, absent: '(null)', words: openssl },
  caddy: { ...der, absent: '{http.request.tls.client.certificate_der_base64}', words: any },
  // Before 2.9.4 percent-encoded, since then not.
  traefik: {
    decoder: decodeEscapedDer,
    header: 'x-forwarded-tls-client-cert',
    several: true,
    words: any,
  },
  envoy: xfcc,
  istio: xfcc,
  'azure-container-apps': xfcc,
  'azure-app-service': { ...der, header: 'x-arr-clientcert', words: any },
  'azure-app-gateway': { ...pem, words: openssl },
  'aws-alb': { ...pem, header: 'x-amzn-mtls-clientcert-leaf', words: any },
  'aws-alb-passthrough': { ...pem, header: 'x-amzn-mtls-clientcert', several: true, words: any },
  cloudfront: { ...pem, header: 'cloudfront-viewer-cert-pem', words: any },
  google: { ...rfc9440, words: truth },
  cloudflare: {
    ...der,
    header: 'cf-client-cert-der-base64',
    words: { good: ['true', '1', 'SUCCESS'], none: ['false', '0', 'NONE', ''] },
  },
  iis: { ...der, header: 'ms-aspnetcore-clientcert', words: any },
  // Of proxies that are not named above, and of those whose fields are yours to define.
  rfc9440: { ...rfc9440, words: any },
  'pem-url': { ...pem, several: true, words: any },
  'der-base64': { ...der, several: true, words: any },
  xfcc,
};
