import { ConfigError } from '../errors.ts';
import { type Matcher, type OneOf, compileMatch } from '../identity-match.ts';
import { checkOptions, suggestion } from '../options.ts';
import { type ServedAuthority, checkOrigin } from '../served-authority.ts';
import { AddressList } from './address-list.ts';
import { sameName } from './known-fields.ts';
import type { PresetName, TrustedProxy } from './options.ts';
import { type Preset, presets } from './presets.ts';

const optionNames = [
  'preset',
  'addresses',
  'peer',
  'header',
  'chain',
  'verdict',
  'hops',
  'by',
  'clientAddress',
  'publicOrigin',
] as const satisfies readonly (keyof TrustedProxy)[];

/** A `TrustedProxy`, checked and complete. Names of fields are in lower case. */
export interface Statement {
  /** Who is believed: exactly one of the two. */
  readonly addresses: AddressList | undefined;
  readonly peer: Matcher | undefined;
  readonly preset: Preset;
  readonly header: string;
  readonly chain: readonly string[];
  readonly verdict: string | undefined;
  readonly hops: number;
  readonly by: readonly string[] | undefined;
  readonly clientAddress: string | undefined;
  readonly publicOrigin: ServedAuthority | undefined;
}

/** @throws ConfigError */
export function checkStatement(path: string, given: unknown): Statement {
  const options = checkOptions(path, given as TrustedProxy, optionNames);
  const { addresses, peer, hops = 1, by, publicOrigin } = options;
  const preset = presetOf(`${path}.preset`, options.preset);
  if ((addresses === undefined) === (peer === undefined)) {
    throw new ConfigError(
      path,
      'must say which sender is believed: either `addresses` or `peer`, the certificate of the proxy',
    );
  }
  if (!Number.isInteger(hops) || hops < 1 || hops > 16) {
    throw new ConfigError(`${path}.hops`, 'must be a whole number from 1 to 16');
  }
  if (by !== undefined && preset.decoder !== 'xfcc') {
    throw new ConfigError(`${path}.by`, 'is for x-forwarded-client-cert only; leave it out');
  }
  const { header = preset.header, chain = preset.chain, verdict = preset.verdict } = options;
  if (header === undefined) {
    throw new ConfigError(
      `${path}.header`,
      `must name the field that your proxy writes; "${options.preset}" has none of its own`,
    );
  }
  if (options.chain !== undefined && preset.chainDecoder === undefined) {
    throw new ConfigError(
      `${path}.chain`,
      `"${options.preset}" has the chain in \`header\`; leave it out`,
    );
  }
  const statement: Statement = {
    addresses:
      addresses === undefined ? undefined : new AddressList(`${path}.addresses`, addresses),
    peer: peer === undefined ? undefined : compileMatch(`${path}.peer`, peer),
    preset,
    header: fieldName(`${path}.header`, header),
    chain: texts(`${path}.chain`, chain ?? []).map((one) => fieldName(`${path}.chain`, one)),
    verdict: verdict === undefined ? undefined : fieldName(`${path}.verdict`, verdict),
    hops,
    by: by === undefined ? undefined : texts(`${path}.by`, by),
    clientAddress:
      options.clientAddress === undefined
        ? undefined
        : fieldName(`${path}.clientAddress`, options.clientAddress),
    publicOrigin:
      publicOrigin === undefined ? undefined : checkOrigin(`${path}.publicOrigin`, publicOrigin),
  };
  checkDistinct(path, statement);
  return statement;
}

function presetOf(path: string, name: unknown): Preset {
  if (typeof name === 'string' && Object.hasOwn(presets, name)) return presets[name as PresetName];
  throw new ConfigError(
    path,
    `must name a proxy.${suggestion(String(name), Object.keys(presets))}`,
  );
}

function texts(path: string, value: OneOf): readonly string[] {
  const list: readonly unknown[] = [value].flat();
  for (const one of list) {
    if (typeof one !== 'string' || one === '') {
      throw new ConfigError(path, 'must be a string or a list of strings');
    }
  }
  return list as readonly string[];
}

/** Fields that say something else, and of which every request has one. */
const otherwiseUsed: ReadonlySet<string> = new Set([
  'authorization',
  'connection',
  'content-length',
  'content-type',
  'cookie',
  'host',
  'origin',
  'transfer-encoding',
  'upgrade',
]);

function fieldName(path: string, name: unknown): string {
  const lower = typeof name === 'string' ? name.toLowerCase() : '';
  if (!/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(lower) || otherwiseUsed.has(lower)) {
    throw new ConfigError(path, 'must be the name of a header field, such as "x-ssl-client-cert"');
  }
  return lower;
}

function checkDistinct(path: string, statement: Statement): void {
  const names = fieldsOf(statement).map(sameName);
  if (statement.clientAddress !== undefined) names.push(sameName(statement.clientAddress));
  if (new Set(names).size === names.length) return;
  throw new ConfigError(path, 'names one field twice; each of them says one thing');
}

/** The fields that only this proxy may write. */
export function fieldsOf({ header, chain, verdict }: Statement): readonly string[] {
  return [header, ...chain, ...(verdict === undefined ? [] : [verdict])];
}
