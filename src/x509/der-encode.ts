/** One element of DER: its tag, its length in the shortest form, its contents. Up to 64 KiB. */
export function encode(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(contents);
  const { length } = body;
  if (length > 0xffff) throw new RangeError(`${length} bytes are too many for one element`);
  const octets =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...octets), body]);
}
