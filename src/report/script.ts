/**
 * The page's script: pointing at a chart shows the values there. It only adds; without it the page is whole. Plain text
 * because it runs in the page and must work there as it stands.
 */
export const SCRIPT = /* js */ `
for (const svg of document.querySelectorAll('svg[data-chart]')) {
  const { plot: [left, right, top, bottom], unit, curves } = JSON.parse(svg.dataset.chart);
  const pointer = svg.querySelector('.pointer');
  const bubble = svg.parentNode.appendChild(document.createElement('div'));
  bubble.className = 'bubble';
  bubble.hidden = true;
  const make = (name, attributes) => {
    const element = pointer.appendChild(document.createElementNS(svg.namespaceURI, name));
    for (const key in attributes) element.setAttribute(key, attributes[key]);
  };
  const nearest = (places, x) => {
    let low = 0, high = places.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (places[middle] < x) low = middle + 1; else high = middle;
    }
    return low > 0 && x - places[low - 1] < places[low] - x ? low - 1 : low;
  };
  const line = (tone, text) => {
    const row = bubble.appendChild(document.createElement('div'));
    row.className = tone;
    row.textContent = text;
  };
  const show = (event) => {
    const box = svg.getBoundingClientRect();
    const scale = svg.viewBox.baseVal.width / box.width;
    const x = Math.min(right, Math.max(left, (event.clientX - box.left) * scale));
    const found = curves.filter(({ steps }) => steps.length)
      .map((curve) => ({ ...curve, at: nearest(curve.x, x) }));
    if (!found.length) return;
    pointer.replaceChildren();
    bubble.replaceChildren();
    const step = found[0].steps[found[0].at];
    const at = found[0].x[found[0].at];
    make('line', { x1: at, x2: at, y1: top, y2: bottom });
    line('', unit + ' ' + step.toLocaleString('en'));
    for (const { name, tone, steps, x: places, y, labels, at: i } of found) {
      make('circle', { cx: places[i], cy: y[i], r: 4, class: tone });
      line(tone, name + ' ' + labels[i] + (steps[i] === step ? '' : ' (' + unit + ' ' + steps[i].toLocaleString('en') + ')'));
    }
    pointer.removeAttribute('hidden');
    bubble.hidden = false;
    const room = svg.clientWidth || box.width;
    const place = at / scale + (at / scale > room / 2 ? -bubble.offsetWidth - 12 : 12);
    bubble.style.left = Math.max(0, Math.min(room - bubble.offsetWidth, place)) + 'px';
    bubble.style.top = (box.top - svg.parentNode.getBoundingClientRect().top + top / scale) + 'px';
  };
  const hide = () => { pointer.setAttribute('hidden', ''); bubble.hidden = true; };
  svg.addEventListener('pointermove', show);
  svg.addEventListener('pointerdown', show);
  svg.addEventListener('pointerleave', hide);
}`;
