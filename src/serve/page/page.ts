/** The page at `/`: one file with its own style and script, which asks this server alone. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

export const PAGE: string = readFileSync(new URL('./page.html', import.meta.url), 'utf8');

/** The hash of what stands between two tags: what is none of ours does not run. */
function hashOf(tag: string): string {
  const [, content] = PAGE.match(new RegExp(`<${tag}>([^]*?)</${tag}>`))!;
  return `'sha256-${createHash('sha256').update(content).digest('base64')}'`;
}

/** The page's policy: its own style and script, requests to this server, nothing else. */
export const PAGE_POLICY: string = [
  "default-src 'none'",
  `style-src ${hashOf('style')}`,
  `script-src ${hashOf('script')}`,
  ...["connect-src 'self'", 'img-src data:', "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"],
].join('; ');
