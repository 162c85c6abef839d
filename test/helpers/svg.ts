/** Reads pictures that Observable Plot drew, in a page's own SVG. */
import { parseHTML } from 'linkedom/worker';

/** The pictures of a page or of SVG text. */
export const picturesOf = (markup: string): Element[] =>
  Array.from(parseHTML(`<html><body>${markup}`).document.querySelectorAll('svg') as unknown as ArrayLike<Element>);

export const sizeOf = (svg: Element): [width: number, height: number] => {
  const [, , width, height] = svg.getAttribute('viewBox')!.split(' ').map(Number);
  return [width, height];
};

/** Marks of one kind, by the CSS variable that they are drawn in: `line`, `area`, `dot`. */
export const marksOf = (svg: Element, kind: string, tone: string): Element[] =>
  Array.from(svg.querySelectorAll(`[aria-label="${kind}"]`)).filter((mark) =>
    ['stroke', 'fill'].some((name) => mark.getAttribute(name) === `var(--${tone})`),
  );

/** The points of a mark's paths and dots. */
export function pointsOf(mark: Element): [x: number, y: number][] {
  const paths = Array.from(mark.querySelectorAll('path')).map((path) => path.getAttribute('d')!);
  const dots = Array.from(mark.querySelectorAll('circle')).map((dot) =>
    ['cx', 'cy'].map((name) => dot.getAttribute(name)),
  );
  const corners = paths.flatMap((d) => [...d.matchAll(/[ML](-?[\d.]+),(-?[\d.]+)/g)].map(([, x, y]) => [x, y]));
  return [...corners, ...dots].map(([x, y]) => [Number(x), Number(y)]);
}

export interface Label {
  readonly x: number;
  readonly y: number;
  readonly anchor: string;
  readonly text: string;
  /** What it takes at most, at 7 pixels a letter. */
  readonly left: number;
  readonly right: number;
}

/** Every line of text with its place. */
export function labelsOf(svg: Element): Label[] {
  return Array.from(svg.querySelectorAll('text')).map((element) => {
    const [x, y] = placeOf(element);
    const lines = Array.from(element.querySelectorAll('tspan')).map(({ textContent }) => textContent ?? '');
    const text = lines.length > 0 ? lines.join('\n') : (element.textContent ?? '');
    const anchor = element.closest('[text-anchor]')!.getAttribute('text-anchor')!;
    const width = 7 * Math.max(...text.split('\n').map((line) => line.length));
    const left = anchor === 'end' ? x - width : anchor === 'middle' ? x - width / 2 : x;
    return { x, y, anchor, text, left, right: left + width };
  });
}

/** Where an element is moved to, by itself and by what it lies in. */
function placeOf(element: Element | null): [x: number, y: number] {
  if (!element) return [0, 0];
  const [, x, y] = element.getAttribute('transform')?.match(/translate\((-?[\d.]+),(-?[\d.]+)\)/) ?? [0, 0, 0];
  const [outerX, outerY] = placeOf(element.parentElement);
  return [Number(x) + outerX, Number(y) + outerY];
}
