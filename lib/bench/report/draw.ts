// Draws charts as SVG without a browser.
import type { Chart, LegendEntry, SymbolName } from './chart';
import { escapeHtml, tableMarkup } from './markup';

export type ECharts = typeof import('echarts');

/** Widths, in px, of the page's columns on a screen and on a phone. */
const WIDTHS = { full: 1088, half: 528, phone: 342 } as const;

/** Removes hover styles and event targets, which need scripts, and makes ids unique per drawing. */
function tidy(svg: string, drawing: string): string {
  return svg
    .replace(/<style[\s\S]*?<\/style>/g, '')
    .replace(/ class="zr[^"]*"/g, '')
    .replace(/ pointer-events="visible"| baseProfile="full"| xmlns:xlink="[^"]*"/g, '')
    .replace(/(id="|url\(#)zr\d+-/g, `$1${drawing}-`)
    .replace(/ ecmeta_series_index="/g, ' data-series="')
    .replace(/ ecmeta_data_index="/g, ' data-index="')
    .replace(/ ecmeta_ssr_type="[^"]*"/g, '');
}

function draw(echarts: ECharts, chart: Chart, width: number, className: string): string {
  const height = chart.height(width);
  const instance = echarts.init(null, null, { renderer: 'svg', ssr: true, width, height });
  try {
    instance.setOption(chart.option(width));
    const svg = tidy(instance.renderToSVGString({ useViewBox: true }), `${chart.id}-${width}`);
    const label = escapeHtml(`${chart.title}. ${chart.caption}`.trim());
    return svg.replace('<svg ', `<svg class="${className}" role="img" aria-label="${label}" `);
  } finally {
    // Otherwise its timers keep the process alive.
    instance.dispose();
  }
}

const SHAPES: Readonly<Record<SymbolName, string>> = {
  circle: '<circle cx="6" cy="6" r="5"/>',
  rect: '<rect x="1" y="1" width="10" height="10"/>',
  triangle: '<path d="M6 1 11 11H1Z"/>',
  diamond: '<path d="M6 0 12 6 6 12 0 6Z"/>',
};

function legendMarkup(entries: readonly LegendEntry[]): string {
  const items = entries.map(
    ({ name, colour, symbol }) =>
      `<li><svg width="12" height="12" viewBox="0 0 12 12" fill="${colour}" aria-hidden="true">${SHAPES[symbol]}</svg>${escapeHtml(name)}</li>`,
  );
  return items.length > 0 ? `<ul class="legend">${items.join('')}</ul>` : '';
}

/** Draws a chart with its caption and a table of its exact values. */
function figure(echarts: ECharts, chart: Chart): string {
  const { id, title, caption, legend, full, values } = chart;
  const wide = draw(echarts, chart, full ? WIDTHS.full : WIDTHS.half, 'wide');
  const narrow = draw(echarts, chart, WIDTHS.phone, 'narrow');
  return `<figure data-chart="${escapeHtml(id)}" class="${full ? 'full' : 'half'}">
<figcaption><strong>${escapeHtml(title)}</strong>${caption === '' ? '' : `<p>${escapeHtml(caption)}</p>`}</figcaption>
${legendMarkup(legend)}<div class="chart">${wide}${narrow}</div>
<details><summary>Values</summary>${tableMarkup(values, 'values')}</details>
</figure>`;
}

export function figures(echarts: ECharts, charts: readonly Chart[]): string {
  if (charts.length === 0) return '';
  return `<div class="figures">${charts.map((chart) => figure(echarts, chart)).join('\n')}</div>`;
}
