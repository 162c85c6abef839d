import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder for what several test files need and one makes (see `trainedRun`), removed when all are done. */
export default function setup(): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'dawnlm-fixtures-'));
  process.env.DAWNLM_FIXTURES = folder;
  return () => rmSync(folder, { recursive: true, force: true });
}
