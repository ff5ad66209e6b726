const MAX_LENGTH = 60;

/** A prompt as a part of a file name: letters and digits of any script, in small letters, joined by hyphens. */
export function fileNameOf(prompt: string): string {
  const words =
    prompt
      .normalize('NFC')
      .toLowerCase()
      .match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
  let name = '';
  for (const word of words) {
    const longer = name === '' ? word : `${name}-${word}`;
    if (longer.length > MAX_LENGTH) break;
    name = longer;
  }
  return (
    name ||
    Array.from(words[0] ?? 'image')
      .slice(0, MAX_LENGTH / 2)
      .join('')
  );
}
