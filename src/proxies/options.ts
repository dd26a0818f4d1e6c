import type { IdentityMatch, OneOf } from '../identity-match.ts';
import type { ProxySignatureOptions } from './proxy-signature.ts';

/** A proxy, or for those without a name here a way to write certificates: the last four. */
export type PresetName =
  | 'nginx'
  | 'ingress-nginx'
  | 'kong'
  | 'haproxy'
  | 'apache'
  | 'caddy'
  | 'traefik'
  | 'envoy'
  | 'istio'
  | 'azure-container-apps'
  | 'azure-app-service'
  | 'azure-app-gateway'
  | 'aws-alb'
  | 'aws-alb-passthrough'
  | 'cloudfront'
  | 'google'
  | 'cloudflare'
  | 'iis'
  | 'rfc9440'
  | 'pem-url'
  | 'der-base64'
  | 'xfcc';

/**
 * A proxy that ends TLS and hands over the client's certificate in a header field.
 *
 * Anyone can write a header field. Exactly one of `addresses`, `peer` and `signature` says whose is believed, and it
 * must be a proxy that overwrites or removes all fields named here in every request, also where its client
 * showed no certificate. A sender that several statements believe must do so for the fields of all of them.
 */
export interface TrustedProxy {
  /** How this proxy writes certificates. The last four are for proxies without a name here. */
  readonly preset: PresetName;
  /**
   * The addresses that the proxy's connections come from: `10.0.3.7`, `10.0.3.0/24`, `2001:db8::7`, or
   * `unix` for a service that listens on a Unix socket.
   */
  readonly addresses?: readonly string[];
  /**
   * Which client certificate of its own the proxy shows to this service. The anchors of `mtls` vouch for it
   * as for anybody's: let it have a set of its own (`trustAnchor`), for any CA that may issue this name can
   * make a proxy.
   */
  readonly peer?: IdentityMatch;
  /**
   * The keys with which the proxy signs its fields in every request, with `created` and a `nonce`, over at
   * least `@method`, `@authority`, `@path`, `@query` and those fields (RFC 9421 appendix B.3). Then nobody else can write
   * them, wherever he stands.
   */
  readonly signature?: ProxySignatureOptions;
  /** The field that holds the client's certificate. @defaultValue the preset's; some have none */
  readonly header?: string;
  /**
   * Fields that hold the certificates in between: hints, to build the path. Apache has one for each.
   *
   * @defaultValue `client-cert-chain` for RFC 9440, else none
   */
  readonly chain?: OneOf;
  /**
   * The field of the proxy's own verdict. It must come with every certificate; a negative one refuses, and a
   * positive one is not taken for ours.
   *
   * @defaultValue none, but for `ingress-nginx`
   */
  readonly verdict?: string;
  /**
   * How many trusted proxies each request passes, this one included: how far from the right the client stands
   * in `x-forwarded-client-cert` and in `clientAddress`. None of them may be reached around those before it.
   *
   * @defaultValue 1
   */
  readonly hops?: number;
  /** How the proxy calls itself in `By` of `x-forwarded-client-cert`. @defaultValue not asked */
  readonly by?: OneOf;
  /**
   * The field to which each proxy adds its client's address, as `x-forwarded-for`: what events and limits
   * then go by.
   *
   * @defaultValue none: the proxy's own address
   */
  readonly clientAddress?: string;
  /** The origin that clients see, where the proxy changes `Host`, which then counts for nothing. @defaultValue https and the Host that came */
  readonly publicOrigin?: string;
}
