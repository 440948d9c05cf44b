/**
 * The style sheet of the page, light or dark by the reader's setting. The colours of the series
 * have a medium lightness, which is legible on both backgrounds and under dark text.
 */
export const STYLE = `
:root {
  color-scheme: light dark;
  --ground: #ffffff; --ink: #16181d; --muted: #5b616b; --rule: #e3e5e9; --failed: #b3261e;
  --series-1: #3f8ae0; --series-2: #d9772b; --series-3: #2a9d8a; --series-4: #cf6aa3;
  --series-5: #9478de; --series-6: #8f9124; --series-7: #e0625a; --series-8: #878d97;
  --on-series: #0b0c0e;
}
@media (prefers-color-scheme: dark) {
  :root { --ground: #14161a; --ink: #e8eaee; --muted: #a3a9b3; --rule: #2c3037; --failed: #ff8a80; }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 40px 24px 80px; max-width: 1136px;
  background: var(--ground); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
  font-variant-numeric: tabular-nums; overflow-wrap: anywhere;
}
h1, h2, h3, p, figure, dl, dd, ul { margin: 0; padding: 0; }
h1 { font-size: 26px; line-height: 1.25; font-weight: 600; letter-spacing: -0.01em; }
h2 { font-size: 20px; line-height: 1.3; font-weight: 600; letter-spacing: -0.01em; }
h3 { font-size: 15px; font-weight: 600; }
section { margin-top: 56px; padding-top: 20px; border-top: 1px solid var(--rule); }
.byline, .intro, .note, figcaption p, .facts { color: var(--muted); }
.byline { margin-top: 4px; }
.intro { margin-top: 4px; max-width: 70ch; }
.note { font-size: 13px; margin-top: 8px; }
.warning { color: var(--failed); margin-top: 12px; font-weight: 600; }
.headlines { display: grid; grid-template-columns: repeat(3, 1fr); gap: 24px 32px; margin-top: 36px; }
.headlines dt { font-size: 44px; line-height: 1.1; font-weight: 500; letter-spacing: -0.025em; }
.headlines dt span { font-size: 16px; letter-spacing: 0; color: var(--muted); margin-left: 6px; white-space: nowrap; }
.headlines dd { font-size: 13px; color: var(--muted); margin-top: 8px; max-width: 42ch; }
.figures { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 40px 32px; margin-top: 28px; }
figure { min-width: 0; }
figure.full { grid-column: 1 / -1; }
figcaption p { font-size: 13px; max-width: 75ch; }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 2px 18px; margin-top: 8px; font-size: 13px; }
.legend li { display: flex; align-items: center; gap: 6px; }
.legend svg { flex: none; }
.chart { margin-top: 10px; }
.chart svg { display: block; width: 100%; height: auto; }
.chart svg.narrow { display: none; }
summary { cursor: pointer; }
figure summary { font-size: 13px; color: var(--muted); width: max-content; }
.scenario { margin-top: 28px; }
.scenario > summary { font-weight: 600; }
.scenario > summary span { font-weight: 400; color: var(--muted); }
.run { margin-top: 24px; }
.facts { font-size: 13px; }
.run .figures { margin-top: 14px; }
.run figcaption strong { font-weight: 500; font-size: 13px; }
.run.failed .facts { color: var(--failed); }
.setup { margin-top: 28px; }
.scroll { overflow-x: auto; margin-top: 10px; max-width: 100%; }
table { border-collapse: collapse; font-size: 12.5px; line-height: 1.4; overflow-wrap: normal; }
table.summary { width: 100%; }
th, td { text-align: left; padding: 6px 12px 6px 0; white-space: nowrap; border-bottom: 1px solid var(--rule); }
th { font-weight: 400; color: var(--muted); }
th.number, td.number { text-align: right; }
th:last-child, td:last-child { padding-right: 0; }
table.summary td:last-child:not(.number) { white-space: normal; min-width: 9em; }
tr.failed td { color: var(--failed); }
.values { margin-bottom: 4px; }
.table { margin-top: 28px; }
.machine { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 28px 32px; margin-top: 20px; }
.machine h3 { margin-bottom: 6px; }
.machine dl div { display: grid; grid-template-columns: 9em 1fr; gap: 12px; padding: 4px 0; font-size: 13px; }
dt { color: var(--ink); }
.machine dt { color: var(--muted); }
pre { margin: 0; font: 13px/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
@media (max-width: 900px) {
  .figures, .machine, .headlines { grid-template-columns: minmax(0, 1fr); }
  .chart svg.wide { display: none; }
  .chart svg.narrow { display: block; max-width: 480px; }
}
@media (max-width: 480px) {
  body { padding: 28px 24px 56px; }
  section { margin-top: 44px; }
  h1 { font-size: 22px; }
}
`;
