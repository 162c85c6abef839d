/** Backslash-n, -t and double backslash as what they stand for: shells hand them on as they were typed. */
export const unescapeTemplate = (source: string): string =>
  source.replace(/\\([nt\\])/g, (_, letter) => ({ n: '\n', t: '\t' })[letter as string] ?? '\\');
