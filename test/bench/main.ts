import { frameworks } from './frameworks.ts';
import { material } from './material.ts';
import { pin } from './cores.ts';
import { table } from './report.ts';
pin(process.pid, 'loader');
const rows = await frameworks(material(), { starts: 3, rounds: 8, requests: 1000, warmUp: 3000 });
console.log(table(rows));
process.exit(0);
