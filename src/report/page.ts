import { Html, html } from './html.ts';

/** What a page is made of beside its main part. */
export interface Page {
  title: string;
  style: string;
  /** JavaScript that the page runs; a page without one forbids all. */
  script?: string;
}

/** A whole HTML document around its main part: nothing is fetched, which its policy forbids. */
export function renderPage({ title, style, script }: Page, main: Html): string {
  const scripts = script === undefined ? '' : "script-src 'unsafe-inline'; ";
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${new Html(`default-src 'none'; style-src 'unsafe-inline'; ${scripts}img-src data:`)}">
<link rel="icon" href="data:,">
<title>${title}</title><style>${new Html(style)}</style></head>
<body><main>${main}</main>${
    script !== undefined &&
    html`
<script>${new Html(script)}</script>`
  }</body></html>
`.text;
}
