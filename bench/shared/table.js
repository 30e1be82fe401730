/** A markdown table whose columns also line up as plain text. */
export function table(header, rows) {
  const lines = [header, ...rows].map((row) => row.map(String));
  const widths = header.map((_, column) => Math.max(...lines.map((row) => row[column].length)));
  const write = (row) => `| ${row.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`;
  const [first, ...rest] = lines;
  return [write(first), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...rest.map(write)].join('\n');
}

/** What the numbers were taken on. */
export function machine(cores) {
  return `Node ${process.version}, ${process.platform}, ${cores} cores`;
}
