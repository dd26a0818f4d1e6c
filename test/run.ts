// `npm test` runs everything but interop, and `npm test -- test/client` a part.
import { leftOut, runTests, testFiles } from './suite.ts';

const files = testFiles(process.argv.slice(2));
if (leftOut !== undefined) console.log(leftOut);
if (!runTests(process.execPath, files)) process.exitCode = 1;
