// Leaves that stand far below the root, and how proxies hand over what is in between.
import { above, deep } from './hostile-certificates.ts';
import type { ServerName } from './servers.ts';
import { type SiteOptions, changed } from './site.ts';

/** How a proxy hands over the certificates between `deep` and the root, or why it cannot. */
export const chains: Readonly<Record<ServerName, SiteOptions>> = {
  // It has no variable for them.
  nginx: { intermediates: above(deep) },
  haproxy: {
    statement: { chain: 'x-ssl-client-chain' },
    configure: (text) =>
      changed(
        text,
        '  default_backend',
        '  http-request set-header X-SSL-Client-Chain %[ssl_c_chain_der,base64]\n$&',
      ),
  },
  apache: {
    statement: { chain: ['x-ssl-client-chain-0', 'x-ssl-client-chain-1', 'x-ssl-client-chain-2'] },
    configure: (text) =>
      changed(
        text,
        '  ProxyPreserveHost',
        [0, 1, 2]
          .map(
            (i) => `  RequestHeader set X-SSL-Client-Chain-${i} "%{SSL_CLIENT_CERT_CHAIN_${i}}s"\n`,
          )
          .join('') + '$&',
      ),
  },
  // It has no placeholder for them.
  caddy: { intermediates: above(deep) },
};
