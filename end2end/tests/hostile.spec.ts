// What logs hold when somebody means harm, or nothing was meant at all: it is text.
import { expect, test } from '../fixtures/test';

const escape = '\u001b';

test('a hostile log is text', async ({ folder, serve, viewer }) => {
  let dialogs = 0;
  viewer.page.on('dialog', (dialog) => {
    dialogs += 1;
    void dialog.dismiss();
  });
  const lines: [raw: string | Uint8Array, shown: RegExp][] = [
    ['<script>alert(1)</script>', /^<script>alert\(1\)<\/script>$/],
    ['<img src=x onerror=alert(1)> </pre></div></body>', /^<img src=x onerror=alert\(1\)> <\/pre><\/div><\/body>$/],
    [`${escape}[31mred${escape}[0m ${escape}[38;2;1;2;3mtrue${escape}[m plain`, /^red true plain$/],
    [`${escape}]8;;javascript:alert(1)${escape}\\link${escape}]8;;${escape}\\ after`, /^link after$/],
    [`${escape}]0;title\u0007after the title`, /^after the title$/],
    [`${escape}[2J${escape}[Hcleared?`, /^cleared\?$/],
    [Uint8Array.of(0xff, 0xfe, 0x68, 0x69, 0xc3), /^\ufffd+hi\ufffd$/],
    ['carriage return\r', /^carriage return$/],
    ['a\u0000b', /^a.b$/],
    ['right\u202eto left', /^right.*202E.*to left$/],
    [`javascript:alert(1) https://example.org/?q="><svg onload=alert(1)>`, /^javascript:alert\(1\)/],
  ];
  folder.write('hostile.log', '');
  for (const [raw] of lines) {
    folder.append('hostile.log', raw);
    folder.append('hostile.log', '\n');
  }
  const server = await serve([folder.file('hostile.log')]);
  await viewer.open(server, 'logs/hostile.log');
  await expect.poll(async () => (await viewer.texts()).length).toBe(lines.length);
  const texts = await viewer.texts();
  for (const [at, [, shown]] of lines.entries()) expect(texts[at]).toMatch(shown);
  expect(await viewer.lines.locator('script, img, svg, a[href^="javascript"]').count()).toBe(0);
  expect(dialogs).toBe(0);
});

test('the same log is text before any script has run', async ({ folder, serve, browser }) => {
  const server = await serve([folder.write('hostile.log', '</pre><script>alert(1)</script>\n<b>bold</b>\n')]);
  const page = await server.ask('/s/logs/hostile.log', { accept: 'text/html' });
  expect(page.body).not.toContain('<script>alert');
  expect(page.body).not.toContain('<b>bold');
  const context = await browser.newContext({ javaScriptEnabled: false });
  const reader = await context.newPage();
  await reader.goto(`${server.origin}/?key=a-token-for-the-tests-alone`);
  await reader.goto(server.address('logs/hostile.log'));
  await expect(reader.getByText('<b>bold</b>')).toBeVisible();
  await context.close();
});

test('a line of 50 MB is one row, cut, and says so', async ({ folder, serve, viewer }) => {
  folder.write('long.log', 'before\n');
  folder.append('long.log', Buffer.alloc(50_000_000, 'x'));
  folder.append('long.log', '\nafter\n');
  const server = await serve([folder.file('long.log')]);
  const memory = server.memory();
  await viewer.open(server, 'logs/long.log');
  await viewer.expectLast('after');
  await expect(viewer.rows).toHaveCount(3);
  await expect(viewer.rows.nth(1)).toContainText(/\+50\.0\sMB/);
  expect((await viewer.texts())[1]!.length).toBeLessThan(10_000);
  expect(server.memory() - memory).toBeLessThan(16 * 1024 * 1024);
});

test('a character that arrives in two writes is whole', async ({ folder, serve, viewer }) => {
  const server = await serve([folder.write('torn.log', 'start\n')]);
  await viewer.open(server, 'logs/torn.log');
  await viewer.expectLast('start');
  const bytes = Buffer.from('grüße €\n');
  folder.append('torn.log', bytes.subarray(0, 3));
  await expect.poll(() => viewer.last()).toMatch(/^gr/);
  folder.append('torn.log', bytes.subarray(3, 9));
  folder.append('torn.log', bytes.subarray(9));
  await viewer.expectLast('grüße €');
});
