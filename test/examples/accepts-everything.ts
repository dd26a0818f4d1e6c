// The demonstration with a verifier that asks nothing of anybody.
import { fakeIdentity, fakeVerifier } from 'countersign/testing';
import { main } from '../../examples/demonstration/main.ts';

process.exitCode = await main(process.argv.slice(2), { verifier: fakeVerifier(fakeIdentity()) });
