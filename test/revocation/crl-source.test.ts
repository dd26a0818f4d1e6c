import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, mock } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { type TestAuthority, type TestCertificate, testAuthority } from '../../src/pki/testing.ts';
import {
  type CrlSource,
  type CrlSourceOptions,
  crlSource,
} from '../../src/revocation/crl-source.ts';
import type { FetchBytes, FetchOptions } from '../../src/revocation/fetcher.ts';
import { type Certificate, readCertificate } from '../../src/x509/certificate.ts';
import { isCrlSignedBy, knownSigners } from '../../src/x509/crl/signature.ts';
import type { Crl } from '../../src/x509/crl/crl.ts';
import { nameKey } from '../../src/x509/name-match.ts';
import { temporaryDirectory } from '../pki/openssl.ts';
import {
  type DistributionPointOptions,
  type ListOptions,
  changesTo,
  crlNumber,
  distributionPoints,
  entryOf,
  hour,
  listOf,
  noon,
} from '../support/crl.ts';
import { configError } from '../support/errors.ts';

const ca = testAuthority({ subject: 'the CA' });
const other = testAuthority({ subject: 'another CA' });
const directory = temporaryDirectory();
const anchor = readCertificate(ca.der);
let made = 0;
/** What `performance.now` says, as files are looked at by it. */
let uptime = 0;
mock.method(performance, 'now', () => uptime);

/** A list that is the nth of its series. */
const numbered = (n: number, options: ListOptions = {}, authority: TestAuthority = ca): Buffer =>
  listOf(authority, {
    thisUpdate: new Date(+noon + n * 1000),
    extensions: [crlNumber(n)],
    ...options,
  });

function path(...names: readonly string[]): string {
  const place = join(directory, ...names);
  mkdirSync(join(place, '..'), { recursive: true });
  return place;
}

/** The one list of the CA. */
function listed(from: CrlSource): Crl {
  return from.crls().withIssuer(nameKey(anchor.subject))[0]!;
}

/** As whoever writes such files should: whole, by renaming. */
function write(place: string, content: Uint8Array | string): void {
  writeFileSync(`${place}.new`, content);
  // Two versions within one tick of the file system's clock have the same time.
  const time = new Date(2026, 1, 1, 0, 0, ++made);
  utimesSync(`${place}.new`, time, time);
  renameSync(`${place}.new`, place);
}

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await setImmediate();
}

function source(options: CrlSourceOptions = {}) {
  const problems: string[] = [];
  let now = +noon;
  const crls: CrlSource = crlSource({
    now: () => now,
    onProblem: (place, { message }) => problems.push(`${place}: ${message}`),
    ...options,
  });
  const held = (authority: TestAuthority = ca) =>
    crls
      .crls()
      .withIssuer(nameKey(readCertificate(authority.der).subject))
      .map(({ number }) => Number(number))
      .toSorted((a, b) => a - b);
  return {
    crls,
    problems,
    held,
    later: (seconds: number): void => {
      now += seconds * 1000;
      uptime += seconds * 1000;
    },
    /** Goes on using it, which is what makes it look for changes, until one is seen. */
    async settled(until: () => boolean): Promise<void> {
      for (let i = 0; i < 100_000 && !until(); i++) {
        crls.crls();
        await setImmediate();
      }
      assert.ok(until(), 'it does not come about');
    },
  };
}

/** A source of one file, and of a second one that shows when the first has been looked at. */
function observed(name: string, content: Uint8Array) {
  const file = path(`${name}.crl`);
  const sentinel = path(`${name}-seen.crl`);
  let rounds = 0;
  const writeSentinel = () => write(sentinel, numbered(++rounds, {}, other));
  write(file, content);
  writeSentinel();
  const observing = source({ files: [file, sentinel] });
  return {
    ...observing,
    file,
    async checked(): Promise<void> {
      const { version } = observing.crls;
      writeSentinel();
      observing.later(5);
      await observing.settled(() => observing.crls.version !== version);
    },
  };
}

describe('crlSource, of files', () => {
  it('reads files and directories, PEM and DER, when it is made', () => {
    write(path('start', 'a.crl'), numbered(1));
    write(path('start', '0a1b2c3d.r0'), other.crl({ number: 2 }).pem);
    write(path('start', 'ca.pem'), ca.cert);
    const file = path('single.bin');
    write(file, ca.crl({ number: 9 }).der);
    const { held, problems } = source({ files: [path('start'), file] });
    assert.deepEqual(held(), [1, 9]);
    assert.deepEqual(held(other), [2]);
    assert.deepEqual(problems, []);
    assert.deepEqual(source({ files: file }).held(), [9]);
  });

  it('does not start without a list that it is to read', () => {
    const missing = path('missing.crl');
    assert.throws(
      () => crlSource({ files: [missing], option: 'mtls.revocation.crls' }),
      configError('mtls.revocation.crls[0]', /missing\.crl.*ENOENT.*name a CRL file/),
    );
    const broken = path('broken.crl');
    write(broken, numbered(1).subarray(0, 60));
    const good = path('good.crl');
    write(good, numbered(1));
    const refusal = configError('files[1]', /malformed/);
    assert.throws(() => crlSource({ files: [good, broken] }), refusal);
  });

  it('does not start with files that hold no list at all', () => {
    assert.throws(() => crlSource({ files: [] }), configError('files', /names no CRL/));
    write(path('none', 'readme.txt'), 'none yet');
    const refusal = configError('files[0]', /none" \(it holds none\)/);
    assert.throws(() => crlSource({ files: path('none') }), refusal);
  });

  it('takes a new version within seconds, and says that it has changed', async () => {
    const file = path('renewed.crl');
    write(file, numbered(1));
    const { crls, held, later, settled } = source({ files: file });
    const { version } = crls;
    const index = crls.crls();
    assert.equal(crls.crls(), index);
    assert.ok(isCrlSignedBy(listed(crls), anchor));
    write(file, numbered(2));
    later(4);
    assert.deepEqual(held(), [1]);
    await turns(50);
    assert.deepEqual(held(), [1], 'looked too early');
    later(1);
    assert.deepEqual(held(), [1], 'waited for the file');
    await settled(() => crls.version !== version);
    assert.deepEqual(held(), [2]);
    assert.notEqual(crls.crls(), index);
    assert.deepEqual(knownSigners(listed(crls)), [anchor], 'the signature is verified by then');
  });

  it('takes a new version also after the clock was set back', async () => {
    const file = path('clock.crl');
    write(file, numbered(1));
    let time = +noon;
    const { crls, held, later, settled } = source({ files: file, now: () => time });
    const { version } = crls;
    time -= hour;
    write(file, numbered(2));
    later(5);
    await settled(() => crls.version !== version);
    assert.deepEqual(held(), [2]);
  });

  it('changes nothing where nothing has changed', async () => {
    const { crls, checked } = observed('same', numbered(1));
    const before = listed(crls);
    await checked();
    await checked();
    assert.equal(listed(crls), before, 'read again');
  });

  it('looks no more often than every few seconds', async () => {
    const { crls, file, checked, held } = observed('often', numbered(1));
    await checked();
    write(file, numbered(2));
    for (let i = 0; i < 5000; i++) {
      crls.crls();
      await turns(1);
    }
    assert.deepEqual(held(), [1]);
  });

  it('keeps what it has where the new version is broken or older, and says so once', async () => {
    const { file, held, problems, checked } = observed('kept', numbered(5));
    for (const [content, reason] of [
      [numbered(6).subarray(0, 80), /kept\.crl: malformed/],
      [numbered(4), /kept\.crl: it is older/],
      [numbered(6, { thisUpdate: noon }), /kept\.crl: it is older/],
      ['', /kept\.crl: malformed/],
    ] as const) {
      problems.length = 0;
      write(file, content);
      for (let round = 0; round < 3; round++) await checked();
      assert.equal(problems.length, 1);
      assert.match(problems[0]!, reason);
      assert.deepEqual(held(), [5]);
    }
    write(file, numbered(7));
    await checked();
    assert.deepEqual(held(), [7]);
  });

  it('keeps what it has where a file is gone, and says so once', async () => {
    const { file, held, problems, checked } = observed('gone', numbered(1));
    for (let times = 1; times < 3; times++) {
      rmSync(file);
      for (let round = 0; round < 3; round++) await checked();
      assert.equal(problems.length, times);
      assert.match(problems.at(-1)!, /ENOENT/);
      assert.deepEqual(held(), [times]);
      write(file, numbered(times + 1));
      await checked();
      assert.deepEqual(held(), [times + 1]);
    }
  });

  it('sees lists come to a directory', async () => {
    const place = path('coming');
    write(path('coming', 'a.crl'), numbered(1));
    const { crls, held, later, settled, problems } = source({ files: place });
    const { version } = crls;
    write(path('coming', 'b.crl'), numbered(2, {}, other));
    later(5);
    await settled(() => crls.version !== version);
    assert.deepEqual([held(), held(other)], [[1], [2]]);
    write(path('coming', 'c.crl'), 'nothing');
    later(5);
    await settled(() => problems.length > 0);
    assert.deepEqual([held(), held(other)], [[1], [2]]);
  });

  it('keeps a list that vanishes from a directory, and says so once, until a newer one comes', async () => {
    write(path('vanishing', 'a.crl'), numbered(1));
    write(path('vanishing', 'b.crl'), numbered(1, {}, other));
    const { held, later, settled, problems } = source({ files: path('vanishing') });
    rmSync(path('vanishing', 'a.crl'));
    for (const number of [2, 3]) {
      write(path('vanishing', 'b.crl'), numbered(number, {}, other));
      later(5);
      await settled(() => held(other)[0] === number && problems.length > 0);
      assert.deepEqual(held(), [1]);
    }
    assert.equal(problems.length, 1);
    assert.match(problems[0]!, /a\.crl: ENOENT/);
    write(path('vanishing', 'c.crl'), numbered(2));
    later(5);
    await settled(() => held().includes(2));
    assert.deepEqual(held(), [2]);
  });

  it('does not complain of a list that has another name now', async () => {
    write(path('renaming', 'a.crl'), numbered(1));
    const { crls, held, later, settled, problems } = source({ files: path('renaming') });
    const { version } = crls;
    renameSync(path('renaming', 'a.crl'), path('renaming', 'b.crl'));
    later(5);
    await settled(() => crls.version !== version);
    assert.deepEqual(held(), [1]);
    assert.deepEqual(problems, []);
  });

  it('reads the other files of a directory where one cannot be read, and says so once', async () => {
    const place = path('partly');
    write(path('partly', 'b.crl'), numbered(1));
    const { held, later, settled, problems } = source({ files: place });
    symlinkSync(path('nowhere.crl'), path('partly', 'a.crl'));
    mkdirSync(path('partly', 'aa.crl'));
    for (const number of [2, 3]) {
      write(path('partly', 'b.crl'), numbered(number));
      later(5);
      await settled(() => held()[0] === number);
    }
    assert.equal(problems.length, 2);
    assert.match(problems.join(), /\/a\.crl: ENOENT/);
    assert.match(problems.join(), /\/aa\.crl: EISDIR/);
    write(path('nowhere.crl'), numbered(4, {}, other));
    later(5);
    await settled(() => held(other)[0] === 4);
  });

  it('lets others have their turn while it reads a long list', async () => {
    const file = path('long.crl');
    write(file, numbered(1));
    const { crls, later, settled } = source({ files: file });
    const { version } = crls;
    const entries = Array.from({ length: 100_000 }, (_, i) => entryOf(BigInt(i)));
    write(file, numbered(2, { entries }));
    later(5);
    let others = 0;
    await settled(() => crls.version !== version || ++others < 0);
    assert.ok(others > 40, String(others));
  });
});

describe('crlSource, of distribution points', () => {
  const url = (name: string): string => `http://crl.example/${name}.crl`;
  type Asked = readonly [about: Certificate, path: readonly Certificate[]];
  const asksFor = (leaf: TestCertificate, issuer = anchor): Asked => {
    const certificate = readCertificate(leaf.der);
    return [certificate, [certificate, issuer]];
  };
  const leafWith = (...points: readonly DistributionPointOptions[]): Asked =>
    asksFor(ca.issue({ extensions: [distributionPoints(...points)] }));
  const point = (...names: readonly string[]): DistributionPointOptions => ({
    fullName: names.map((name) => ({ uri: url(name) })),
  });

  /** A network where each address has its list, or an error. */
  function network(answers: Record<string, Buffer | Error | undefined>) {
    const asked: string[] = [];
    const options: FetchOptions[] = [];
    const fetch: FetchBytes = async (address, given) => {
      asked.push(address);
      options.push(given);
      await setImmediate();
      const answer = answers[address] ?? new Error('404');
      if (answer instanceof Error) throw answer;
      return answer;
    };
    return { answers, asked, options, fetch };
  }

  it('fetches what a certificate names, and keeps it until its end', async () => {
    const { fetch, asked, options } = network({ [url('a')]: numbered(1) });
    const { crls, held, later } = source({ fetch, maxBytes: 1_000_000 });
    const { version } = crls;
    await crls.fetchFor(...leafWith(point('a')));
    assert.deepEqual(held(), [1]);
    assert.notEqual(crls.version, version);
    assert.deepEqual(options, [{ accept: 'application/pkix-crl', maxBytes: 1_000_000 }]);
    later(23.9 * 3600);
    assert.equal(crls.fetchFor(...leafWith(point('a'))), undefined);
    later(0.2 * 3600);
    await crls.fetchFor(...leafWith(point('a')));
    assert.equal(asked.length, 2);
  });

  it('has nothing to wait for where nothing is named, or nothing is to be fetched', () => {
    const { fetch, asked } = network({});
    assert.equal(source({ fetch }).crls.fetchFor(...asksFor(ca.issue())), undefined);
    assert.equal(source().crls.fetchFor(...leafWith(point('a'))), undefined);
    const ldap = { fullName: [{ uri: 'ldap://crl.example/cn=a' }, { directoryName: 'a' }] };
    assert.equal(source({ fetch }).crls.fetchFor(...leafWith(ldap)), undefined);
    const [, certificates] = leafWith(point('a'));
    assert.equal(
      source({ fetch }).crls.fetchFor(anchor, certificates),
      undefined,
      'asked about another',
    );
    assert.deepEqual(asked, []);
  });

  it('also fetches the changes that a certificate names', async () => {
    const { fetch, asked } = network({ [url('changes')]: numbered(1) });
    const freshest = { ...distributionPoints(point('changes')), oid: '2.5.29.46' };
    await source({ fetch }).crls.fetchFor(...asksFor(ca.issue({ extensions: [freshest] })));
    assert.deepEqual(asked, [url('changes')]);
  });

  it('also fetches the changes that a list names, and those anew at their own end', async () => {
    const freshest = { ...distributionPoints(point('changes')), oid: '2.5.29.46' };
    const { fetch, asked } = network({
      [url('a')]: numbered(1, { extensions: [crlNumber(1), freshest] }),
      [url('changes')]: numbered(2, {
        extensions: [crlNumber(2), changesTo(1)],
        nextUpdate: new Date(+noon + hour),
      }),
    });
    const { crls, held, later } = source({ fetch });
    await crls.fetchFor(...leafWith(point('a')));
    assert.deepEqual(held(), [1, 2]);
    assert.equal(crls.fetchFor(...leafWith(point('a'))), undefined);
    later(3600);
    await crls.fetchFor(...leafWith(point('a')));
    assert.deepEqual(asked, [url('a'), url('changes'), url('changes')]);
  });

  it('goes nowhere that a list names which nobody on the path has signed', async () => {
    const inside = { fullName: [{ uri: 'http://inside.example/' }] };
    const extensions = [crlNumber(1), { ...distributionPoints(inside), oid: '2.5.29.46' }];
    const { fetch, asked } = network({ [url('a')]: numbered(1, { extensions, signWith: other }) });
    await source({ fetch }).crls.fetchFor(...leafWith(point('a')));
    assert.deepEqual(asked, [url('a')]);
  });

  it('asks once for all that wait for the same list', async () => {
    const { fetch, asked } = network({ [url('a')]: numbered(1) });
    const { crls, held } = source({ fetch });
    await Promise.all(
      Array.from({ length: 50 }, async () => {
        await crls.fetchFor(...leafWith(point('a')));
        assert.deepEqual(held(), [1]);
      }),
    );
    assert.deepEqual(asked, [url('a')]);
  });

  it('remembers a failure for half a minute, and reports it', async () => {
    const { fetch, asked, answers } = network({});
    const { crls, held, later, problems } = source({ fetch });
    await crls.fetchFor(...leafWith(point('a')));
    later(29);
    assert.equal(crls.fetchFor(...leafWith(point('a'))), undefined);
    assert.deepEqual(problems, [`${url('a')}: 404`]);
    answers[url('a')] = numbered(1);
    later(1);
    await crls.fetchFor(...leafWith(point('a')));
    assert.deepEqual(held(), [1]);
    assert.equal(asked.length, 2);
  });

  it('reports an address without what may be secret in it', async () => {
    const uri = 'http://user:s3cret@crl.example/a?token=abc';
    const { crls, problems } = source({ fetch: network({}).fetch });
    await crls.fetchFor(...leafWith({ fullName: [{ uri }] }));
    assert.deepEqual(problems, ['http://crl.example/a: 404']);
  });

  it('asks the next address of a point where one gives no list, and every point', async () => {
    const { fetch, asked } = network({ [url('b')]: numbered(1), [url('d')]: numbered(2) });
    const { crls, held } = source({ fetch });
    await crls.fetchFor(...leafWith(point('a', 'b', 'c'), point('d', 'e')));
    assert.deepEqual(asked.toSorted(), [url('a'), url('b'), url('d')]);
    assert.deepEqual(held(), [1, 2]);
    assert.equal(crls.fetchFor(...leafWith(point('a', 'b', 'c'), point('d', 'e'))), undefined);
  });

  it('asks the next address also where it knows already that the first gives none', async () => {
    const { fetch, asked } = network({ [url('b')]: numbered(1) });
    const { crls, held } = source({ fetch });
    await crls.fetchFor(...leafWith(point('a')));
    await crls.fetchFor(...leafWith(point('a', 'b')));
    assert.deepEqual(asked, [url('a'), url('b')]);
    assert.deepEqual(held(), [1]);
  });

  it('asks a few addresses only, however many a certificate names', async () => {
    const names = Array.from({ length: 20 }, (_, i) => `x${i}`);
    const many = network({});
    await source({ fetch: many.fetch }).crls.fetchFor(...leafWith(point(...names)));
    assert.equal(many.asked.length, 8);
    await source({ fetch: many.fetch }).crls.fetchFor(
      ...leafWith(...names.map((one) => point(one))),
    );
    assert.equal(many.asked.length, 16);
  });

  it('knows who signed a list, also when somebody under another CA asks for it anew', async () => {
    const { fetch, answers } = network({
      [url('a')]: numbered(1, { nextUpdate: new Date(+noon + hour) }),
    });
    const { crls, held, later, problems } = source({ fetch });
    await crls.fetchFor(...leafWith(point('a')));
    later(3601);
    answers[url('a')] = numbered(2);
    const theirs = other.issue({ extensions: [distributionPoints(point('a'))] });
    await crls.fetchFor(...asksFor(theirs, readCertificate(other.der)));
    assert.deepEqual(problems, []);
    assert.deepEqual(held(), [2]);
  });

  const ends = { nextUpdate: new Date(+noon + hour) };
  const unfit: Readonly<Record<string, readonly [Buffer | Error, RegExp]>> = {
    'gives nothing': [new Error('timed out'), /timed out/],
    'gives something else': [Buffer.from('<html>'), /malformed/],
    'gives an older list': [numbered(4), /it is older/],
    'gives a list that another has signed': [numbered(6, { signWith: other }), /not signed as/],
  };
  for (const [what, [answer, reason]] of Object.entries(unfit)) {
    it(`keeps the list that it has where its address ${what}`, async () => {
      const { fetch, answers } = network({ [url('a')]: numbered(5, ends) });
      const { crls, held, later, problems } = source({ fetch });
      await crls.fetchFor(...leafWith(point('a')));
      const { version } = crls;
      answers[url('a')] = answer;
      later(3601);
      await crls.fetchFor(...leafWith(point('a')));
      assert.deepEqual(held(), [5]);
      assert.equal(crls.version, version);
      assert.match(problems.join(), reason);
    });
  }

  it('keeps a list that nobody on the path has signed for some minutes only', async () => {
    const forged = numbered(9, { signWith: other, nextUpdate: new Date(+noon + 365 * 24 * hour) });
    const { fetch, answers, asked } = network({ [url('a')]: forged });
    const { crls, held, later } = source({ fetch });
    await crls.fetchFor(...leafWith(point('a')));
    assert.deepEqual(held(), [9]);
    later(299);
    assert.equal(crls.fetchFor(...leafWith(point('a'))), undefined);
    later(1);
    answers[url('a')] = numbered(10);
    await crls.fetchFor(...leafWith(point('a')));
    assert.deepEqual(held(), [10]);
    assert.equal(asked.length, 2);
  });

  it('does not ask a server that still has an old list without pause', async () => {
    const old = numbered(1, {
      nextUpdate: new Date(+noon - hour),
      thisUpdate: new Date(+noon - 2 * hour),
    });
    const { fetch, asked } = network({ [url('a')]: old });
    const { crls, later } = source({ fetch });
    for (let i = 0; i < 6; i++) {
      await crls.fetchFor(...leafWith(point('a')));
      later(10);
    }
    assert.equal(asked.length, 2);
  });

  it('keeps a bounded number of lists, those that were used last', async () => {
    const names = Array.from({ length: 300 }, (_, i) => `n${i}`);
    const { fetch, asked } = network(
      Object.fromEntries(names.map((name, i) => [url(name), numbered(i)])),
    );
    const { crls, held } = source({ fetch });
    for (const name of names) {
      await crls.fetchFor(...leafWith(point(name)));
      await crls.fetchFor(...leafWith(point('n0')));
    }
    assert.equal(held().length, 256);
    assert.ok(held().includes(0));
    assert.equal(asked.length, 300);
  });

  it('lets no failures push out a list, or pass for a change', async () => {
    const { fetch, asked } = network({ [url('good')]: numbered(1) });
    const { crls, held } = source({ fetch });
    await crls.fetchFor(...leafWith(point('good')));
    const { version } = crls;
    for (let i = 0; i < 40; i++) {
      const names = Array.from({ length: 8 }, (_, j) => `dead-${i}-${j}`);
      await crls.fetchFor(...leafWith(...names.map((name) => point(name))));
    }
    assert.equal(asked.length, 321);
    assert.deepEqual(held(), [1]);
    assert.equal(crls.version, version);
  });

  it('takes the same list fetched anew for no change', async () => {
    const { fetch, asked } = network({ [url('a')]: numbered(1) });
    const { crls, later } = source({ fetch });
    await crls.fetchFor(...leafWith(point('a')));
    const { version } = crls;
    later(25 * 3600);
    await crls.fetchFor(...leafWith(point('a')));
    assert.equal(asked.length, 2);
    assert.equal(crls.version, version);
  });

  it('keeps a bounded number of bytes', async () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    const { fetch } = network(Object.fromEntries(names.map((name, i) => [url(name), numbered(i)])));
    const { crls, held } = source({ fetch, maxBytes: numbered(1).length + 20 });
    for (const name of names) await crls.fetchFor(...leafWith(point(name)));
    assert.deepEqual(held(), [2, 3, 4, 5]);
    assert.equal(crls.version, 8, 'six have come and two have gone');
  });
});
