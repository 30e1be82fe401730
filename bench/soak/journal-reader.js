import { closeSync, openSync, readSync } from 'node:fs';

/** What is read at once, in bytes. */
const CHUNK = 1 << 20;

/** Reads what was appended to a journal since the last time; a journal of half an hour is too long to reread. */
export class JournalReader {
  #file;
  #buffer = Buffer.alloc(CHUNK);
  #rest = '';

  constructor(path) {
    this.#file = openSync(path, 'r');
  }

  /** The entries that are new, in order. */
  read() {
    const entries = [];
    for (;;) {
      const length = readSync(this.#file, this.#buffer, 0, CHUNK, null);
      if (length === 0) return entries;
      const lines = (this.#rest + this.#buffer.toString('latin1', 0, length)).split('\n');
      this.#rest = lines.pop();
      for (const line of lines) entries.push(JSON.parse(line));
    }
  }

  close() {
    closeSync(this.#file);
  }
}
