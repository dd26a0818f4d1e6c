/** As wide as a terminal is at least. */
export const lineWidth = 80;

/** Two columns, the first as wide as it must be; the second goes on below itself where it is too long. */
export function columns(
  rows: readonly (readonly [string, string])[],
  width: number = Infinity,
): string[] {
  const left = Math.max(...rows.map(([label]) => label.length));
  return rows.flatMap(([label, text]) =>
    wrapped(text, width - left - 4).map(
      (line, i) => `  ${(i === 0 ? label : '').padEnd(left)}  ${line}`,
    ),
  );
}

/**
 * Text in lines of this width, broken at spaces only: addresses and thumbprints are there to be copied, so
 * a longer word stays whole.
 */
export function wrapped(text: string, width: number = lineWidth): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

/**
 * A stranger's text, safe on a terminal: what controls it, what changes the direction of text, and every
 * blank but the plain one, which could push text to where a line of ours would begin, is escaped.
 */
export function plain(text: string): string {
  return text.replace(
    /(?! )[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}\u2800]/gu,
    (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`,
  );
}
