// Writes the benchmark tables of README and docs from the records that they name. With --check, it
// only reports whether they are up to date:
//
//   node --import tsx bench/tables.mts [--check]
//
// A table stands between <!-- bench: RECORD --> and <!-- /bench -->. `npm run bench` writes records
// that end in .json, and `npm run bench:kernels` those in .jsonl. Records of `npm run bench:text`
// begin with text-, and those of `npm run bench:loadgen` with loadgen-.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Report } from '#lib/bench/record';
import { comparisonsInMarkdown } from '#lib/bench/report/markdown';
import { type LoadGenRecord, loadGenTable } from './loadgen/table.mts';
import type { Comparison, Result } from './text-comparison.mts';

const ROOT = new URL('../', import.meta.url);
const DOCUMENTS = ['README.md', 'docs/kernels.md'];
const TABLES = /<!-- bench: (\S+) -->\n.*?<!-- \/bench -->/gs;

interface KernelRecord {
  kernel: string;
  shape: string;
  medianMs: number;
  gflops: number;
  gigabytesPerSecond: number;
  limit: 'arithmetic' | 'bandwidth';
  share: number;
}

function comparisons(record: string): string {
  const report = JSON.parse(record) as Report;
  const { cpu, cores } = report.machine;
  return [
    `${cpu}, ${cores} cores, ${report.date.slice(0, 10)}; \`${report.command}\``,
    comparisonsInMarkdown(report).replaceAll('### ', '#### '),
  ].join('\n\n');
}

const whole = (x: number) => Math.round(x).toLocaleString('en');

function kernelRow(k: KernelRecord): string {
  const ofProducts = k.gflops > 0;
  const cells = [
    k.kernel,
    k.shape.replaceAll('x', ' × '),
    k.medianMs.toFixed(2),
    ofProducts ? whole(k.gflops) : '',
    ofProducts ? '' : k.gigabytesPerSecond.toFixed(1),
    k.limit === 'bandwidth' ? 'memory' : k.limit,
    `${whole(100 * k.share)} %`,
  ];
  return `| ${cells.join(' | ')} |`;
}

function kernels(record: string): string {
  const [first, ...rest] = record.trim().split('\n');
  const { machine } = JSON.parse(first as string) as { machine: Record<string, number> };
  // A limit is 0 where the processor has no such instruction.
  const rates = ['fp32', 'bf16', 'int16', 'int8']
    .map((name) => [name, machine[`${name}Gflops`] as number] as const)
    .filter(([, rate]) => rate > 0)
    .map(([name, rate]) => `${name} ${whole(rate)}`);
  return [
    `Limits: ${rates.join(', ')} GFLOP/s, ${whole(machine.gigabytesPerSecond as number)} GB/s.\n`,
    '| kernel | shape | ms | GFLOP/s | GB/s | bound by | share |',
    '|---|---|---:|---:|---:|---|---:|',
    ...rest.map((line) => kernelRow(JSON.parse(line) as KernelRecord)),
  ].join('\n');
}

function textRow({ workload, tokens, texts, tokensPerSecond, ...rest }: Result): string {
  const { peerTokensPerSecond = Number.NaN, ratio } = rest;
  const cells = [
    workload,
    `${texts} × ${Math.round(tokens / texts)}`,
    ((1000 * tokens) / texts / tokensPerSecond).toFixed(0),
    whole(tokensPerSecond),
    whole(peerTokensPerSecond),
    ratio === undefined ? '' : `${ratio.value.toFixed(2)} ×`,
  ];
  return `| ${cells.join(' | ')} |`;
}

function texts(record: string): string {
  const { comparisons, command, date } = JSON.parse(record) as {
    comparisons: Comparison[];
    command: string;
    date: string;
  };
  const table = ({ peer, minCosine = Number.NaN, results }: Comparison) => [
    `\nCompared with ${peer?.name}, with a cosine of at least ${minCosine.toFixed(5)}:\n`,
    '| workload | texts × tokens | ms per text | tokens/s | its tokens/s | ratio |',
    '|---|---:|---:|---:|---:|---:|',
    ...results.map(textRow),
  ];
  return [`${date.slice(0, 10)}; \`${command}\``, ...comparisons.flatMap(table)].join('\n');
}

function content(path: string, record: string): string {
  if (path.endsWith('.jsonl')) return kernels(record);
  if (path.includes('/text-')) return texts(record);
  if (path.includes('/loadgen-')) return loadGenTable(JSON.parse(record) as LoadGenRecord);
  return comparisons(record);
}

function tables(path: string): string {
  const record = readFileSync(new URL(path, ROOT), 'utf8');
  return [`<!-- bench: ${path} -->`, content(path, record), '<!-- /bench -->'].join('\n\n');
}

for (const document of DOCUMENTS) {
  const path = fileURLToPath(new URL(document, ROOT));
  const before = readFileSync(path, 'utf8');
  const after = before.replace(TABLES, (_, record: string) => tables(record));
  if (!process.argv.includes('--check')) writeFileSync(path, after);
  else if (after !== before) {
    console.error(
      `${document} does not match its records; run: node --import tsx bench/tables.mts`,
    );
    process.exitCode = 1;
  }
}
