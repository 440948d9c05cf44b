// Makes HTML from texts and tables.
import type { Table } from './rows';

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Escapes a text for HTML content and quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (mark) => ENTITIES[mark] ?? mark);
}

/** Puts each text into a paragraph. */
export function paragraphs(texts: readonly string[], className = 'note'): string {
  return texts.map((text) => `<p class="${className}">${escapeHtml(text)}</p>`).join('');
}

/** Puts content into a scrolling box that can be reached with the keyboard. */
export function scrolling(name: string, content: string): string {
  const label = `role="region" tabindex="0" aria-label="${escapeHtml(name)}"`;
  return `<div class="scroll" ${label}>${content}</div>`;
}

export function tableMarkup({ title, columns, rows }: Table, className: string): string {
  const numeric = columns.map(({ number }) => (number ? ' class="number"' : ''));
  const head = columns.map(
    ({ name }, i) => `<th scope="col"${numeric[i]}>${escapeHtml(name)}</th>`,
  );
  const body = rows.map(({ cells, failed }) => {
    const inner = cells.map((cell, i) => `<td${numeric[i]}>${escapeHtml(cell)}</td>`).join('');
    return `<tr${failed ? ' class="failed"' : ''}>${inner}</tr>`;
  });
  const table = `<table class="${className}"><thead><tr>${head.join('')}</tr></thead><tbody>${body.join('\n')}</tbody></table>`;
  return scrolling(title, table);
}

export function pairsMarkup(pairs: readonly (readonly [string, string])[]): string {
  const items = pairs.map(
    ([name, value]) => `<div><dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}</dd></div>`,
  );
  return `<dl>${items.join('')}</dl>`;
}

export function section(title: string, intro: readonly string[], content: string): string {
  if (content === '') return '';
  return `<section><h2>${escapeHtml(title)}</h2>${paragraphs(intro, 'intro')}${content}</section>`;
}
