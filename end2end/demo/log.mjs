// Logs as a small shop would write them, for the pictures in docs/ and for trying things out:
//   node end2end/demo/log.mjs FOLDER [LINES]
// The same numbers come out each time, so that a picture changes only when the page does.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * Numbers that look random and are the same each time (mulberry32).
 * @param {number} seed
 * @returns {(sides: number) => number}
 */
function dice(seed) {
  let state = seed;
  return (sides) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * sides);
  };
}

/** @param {number} at */
function stamp(at) {
  return new Date(at).toISOString().replace('T', ' ').replace('Z', '');
}

const paths = ['/', '/cart', '/checkout', '/api/orders', '/api/orders/8241', '/search?q=lamp', '/item/3120', '/login', '/static/app.css', '/healthz'];
const agents = ['Mozilla/5.0 (X11; Linux x86_64) Firefox/145.0', 'Mozilla/5.0 (iPhone; CPU iPhone OS 19_1)', 'curl/8.17.0', 'shop-ios/4.2'];

/**
 * Lines of a web server.
 * @param {number} lines
 * @param {number} from
 */
export function access(lines, from) {
  const roll = dice(7);
  let text = '';
  let at = from;
  for (let line = 0; line < lines; line += 1) {
    at += roll(900);
    const path = paths[roll(paths.length)];
    const chance = roll(100);
    const status = chance > 97 ? 502 : chance > 92 ? 404 : chance > 86 ? 304 : 200;
    const address = `10.0.${roll(4)}.${roll(250) + 1}`;
    text += `${address} - - [${stamp(at)}] "GET ${path} HTTP/1.1" ${status} ${roll(48_000)} "${agents[roll(agents.length)]}" ${(roll(900) / 1000).toFixed(3)}\n`;
  }
  return text;
}

/**
 * Lines of an application: levels, fields, now and then a trace.
 * @param {number} lines
 * @param {number} from
 */
export function application(lines, from) {
  const roll = dice(11);
  let text = '';
  let at = from;
  for (let line = 0; line < lines; line += 1) {
    at += roll(400);
    const order = 8000 + roll(900);
    /** @type {(level: string, part: string) => string} */
    const head = (level, part) => `${stamp(at)} ${level.padEnd(5)} ${part}`;
    const chance = roll(100);
    if (chance > 97) {
      text += `${head('ERROR', 'payment')}: card refused by the bank order=${order} attempt=3\n`;
      text += `  caused by: upstream timeout after 5000 ms (psp-2.internal:8443)\n`;
      text += `    at pay::client::charge (src/client.rs:118)\n    at pay::worker::run (src/worker.rs:64)\n`;
    } else if (chance > 91) {
      text += `${head('WARN', 'stock')}: only ${roll(4)} left of item=3${roll(900)} shelf=B${roll(20)}\n`;
    } else if (chance > 84) {
      text += `${head('DEBUG', 'cache')}: miss key=session:${(order * 7919).toString(16)} ttl=900\n`;
    } else if (chance > 74) {
      text += `{"ts":"${stamp(at)}","level":"info","msg":"order placed","order":${order},"sum":${roll(30_000) / 100},"items":${roll(6) + 1}}\n`;
    } else {
      text += `${head('INFO', 'http')}: GET ${paths[roll(paths.length)]} 200 ${roll(90) + 3}ms user=${roll(5000)}\n`;
    }
  }
  return text;
}

/**
 * What a test run prints, in colours.
 * @param {number} lines
 */
export function colours(lines) {
  const roll = dice(3);
  let text = '';
  for (let line = 0; line < lines; line += 1) {
    const good = roll(12) > 0;
    text += good
      ? `\u001b[32m✓\u001b[0m \u001b[2mcart ›\u001b[0m adds item ${line} \u001b[90m(${roll(40)} ms)\u001b[0m\n`
      : `\u001b[1;31m✗\u001b[0m \u001b[2mcart ›\u001b[0m removes item ${line} \u001b[33mexpected 0, was 1\u001b[0m\n`;
  }
  return text;
}

/**
 * All of them, below `folder`.
 * @param {string} folder
 * @param {number} lines
 */
export function write(folder, lines, from = Date.UTC(2026, 10, 21, 6)) {
  /** @type {[string, string][]} */
  const logs = [
    ['nginx/access.log', access(lines, from)],
    ['nginx/error.log', ''],
    ['shop/orders.log', application(lines, from)],
    ['shop/worker.log', application(Math.ceil(lines / 10), from)],
    ['ci/tests.log', colours(Math.ceil(lines / 20))],
  ];
  for (const [name, text] of logs) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}

const [, program, folder, lines = '20000'] = process.argv;
if (folder !== undefined && program !== undefined && import.meta.url === pathToFileURL(program).href) {
  write(folder, Number(lines));
}
