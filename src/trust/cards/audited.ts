/** What `dawnlm data audit --json` found in a run's text, where it is kept in the run's folder as audit.json. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { exact } from '../../report/format.ts';
import { AuditCard } from '../../report/trust/audit.ts';
import { foundOf, languagesOf } from '../../report/trust/auditWords.ts';
import { readJson } from '../../train/runFolder.ts';

export const AUDIT_FILE = 'audit.json';

/** A language that stands in a card has this share of the letters at least. */
const LEAST_SHARE = 0.05;

/**
 * Undefined where nobody looked through the text, or through another one.
 * @param hashes that the text may have: as it lies, and as it was learned from
 * @throws UserError when the file is damaged
 */
export async function auditOf(folder: string, hashes: readonly (string | undefined)[]): Promise<AuditCard | undefined> {
  if (!existsSync(join(folder, AUDIT_FILE))) return undefined;
  const audit = await readJson(folder, AUDIT_FILE, AuditCard);
  return audit.parts.some(({ sha256 }) => sha256 !== undefined && hashes.includes(sha256)) ? audit : undefined;
}

/** ISO 639 codes of two letters where a language has one, the commonest first. */
export function languageCodes(audit: AuditCard | undefined): string[] {
  const shares = new Map<string, number>();
  const letters = (audit?.parts ?? []).reduce((sum, { characters }) => sum + characters, 0);
  for (const { languages, characters } of audit?.parts ?? []) {
    for (const { code, share } of languages) shares.set(code, (shares.get(code) ?? 0) + (share * characters) / letters);
  }
  const common = [...shares].filter(([, share]) => share >= LEAST_SHARE).sort(([, a], [, b]) => b - a);
  return common.map(([code]) => new Intl.Locale(code).language);
}

/** What was looked for that says who somebody is, by kind. */
export const personalInWords = ({ private: found }: AuditCard): string[] =>
  found
    .filter(({ count }) => count > 0)
    .map(({ kind, count }) => `${kind}: ${exact(count)} found by pattern and checksum.`);

/** What was found in words. */
export const auditInWords = (audit: AuditCard): [string, string][] => [
  [
    'Languages',
    languagesOf(audit.parts)
      .map(({ name, share }) => `${name} ${(100 * share).toFixed(0)}%`)
      .join(', ') || 'not told',
  ],
  ['Private items', exact(foundOf(audit.private))],
  ['Toxic words', exact(foundOf(audit.toxic))],
];
