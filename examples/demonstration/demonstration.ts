import { type Ending, attempt as make } from './attempt.ts';
import { type Genuine, type Parts, type Service, genuineService } from './parties.ts';
import { type Row, rows } from './rows.ts';

const heading = `
  Each exchange takes four steps, and one refusal ends it:
  the client PRESENTS its credentials, the server VERIFIES them,
  the server PROVES itself in return, the client CONFIRMS it.
`;

/**
 * Lets the genuine two meet, then one impostor of each kind on both sides, and prints what happens.
 *
 * @returns whether every exchange ended as it must
 */
export async function demonstrate(
  parts: Parts,
  genuine: Genuine,
  print: (line: string) => void,
): Promise<boolean> {
  print(heading);
  let right = 0;
  let total = 0;
  const service = await genuineService(parts, genuine);
  try {
    for (const [title, group] of Object.entries(rows(genuine))) {
      print(line(title, ['presents', 'verifies', 'proves', 'confirms'], ''));
      for (const row of group) {
        const ending = await play(row, parts, genuine, service);
        const asItMust = endsAsItMust(ending, row);
        print(describe(row, ending, asItMust));
        total++;
        if (asItMust) right++;
      }
      print('');
    }
  } finally {
    await service.running.close();
  }
  print(`  ${right} of ${total} exchanges ended as they must.\n`);
  return right === total;
}

async function play(row: Row, parts: Parts, genuine: Genuine, service: Service): Promise<Ending> {
  if (row.service === undefined) return make(parts, genuine, service, row.attempt);
  const impostor = await row.service();
  try {
    return await make(parts, genuine, impostor, row.attempt);
  } finally {
    await impostor.running.close();
  }
}

function endsAsItMust({ refusedBy, code, handled }: Ending, row: Row): boolean {
  return (
    refusedBy === row.refusedBy && code === row.code && handled === (row.refusedBy === undefined)
  );
}

function describe(
  { who, attempt: { shows } }: Row,
  { refusedBy, status, code, handled }: Ending,
  right: boolean,
): string {
  const steps = {
    server: [shows === undefined ? 'nothing' : 'yes', 'NO', '-', '-'],
    client: ['held back', '-', 'tries to', 'NO'],
    accepted: ['yes', 'yes', 'yes', 'yes'],
  }[refusedBy ?? 'accepted'];
  const result =
    refusedBy === undefined ? `accepted, ${status}` : [status, code].filter(Boolean).join(' ');
  const verdict = right ? '' : ` <- WRONG${handled ? ': the request got through' : ''}`;
  return line(`  ${who}`, steps, result + verdict);
}

function line(who: string, steps: readonly string[], result: string): string {
  return `  ${who.padEnd(40)}${steps.map((step) => step.padEnd(10)).join('')}${result}`.trimEnd();
}
