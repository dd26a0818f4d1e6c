// The demonstration with a client that believes every server.
import { Agent } from 'node:https';
import type { TlsCredentials } from 'countersign';
import { main } from '../../examples/demonstration/main.ts';

process.exitCode = await main(process.argv.slice(2), {
  connect({ methods }) {
    const credentials = methods[0]?.credentials?.() as TlsCredentials;
    const agent = new Agent({ ...credentials, rejectUnauthorized: false });
    return { agent, close: () => Promise.resolve(agent.destroy()) };
  },
});
