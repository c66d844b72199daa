// Reading: the palette, details, marks, choices, folds, wrapping, errors, the timeline.
import { expect, expectAccessible, test } from '../fixtures/test';

/** A second apart from ten o'clock on; each hundredth an error with a trace, each seventieth a warning. */
function lines(count: number): string {
  const line = (n: number) => {
    const time = new Date(Date.UTC(2026, 10, 20, 10, 0, 0) + n * 1000).toISOString();
    if (n % 100 === 0) {
      const trace = Array.from({ length: 8 }, (_, at) => `\tat frame${at}(App.java:${at})\n`).join('');
      return `${time} ERROR request ${n} failed\n${trace}`;
    }
    const level = n % 70 === 0 ? 'WARN' : 'INFO';
    return `${time} ${level} request ${n} path=/cart/${n} took="5 ms"\n`;
  };
  return Array.from({ length: count }, (_, at) => line(at + 1)).join('');
}

const request = (n: number) => new RegExp(` request ${n} `);

test.use({ permissions: ['clipboard-read', 'clipboard-write'] });

test('errors and warnings are one key away, both ways', async ({ folder, serve, viewer }) => {
  const server = await serve([folder.write('app.log', lines(950))]);
  await viewer.open(server, 'logs/app.log');
  const { keyboard } = viewer.page;
  await viewer.lines.focus();
  await keyboard.press('e');
  await expect.poll(() => viewer.cursor()).toMatch(/request 900 failed/);
  await expect(viewer.status).toContainText('PAUSED');
  await keyboard.type('3E');
  await expect.poll(() => viewer.cursor()).toMatch(/request 600 failed/);
  await keyboard.press('w');
  await expect.poll(() => viewer.cursor()).toMatch(request(630));
  await keyboard.press('W');
  await expect.poll(() => viewer.cursor()).toMatch(request(560));
  await keyboard.press('G');
  await expect(viewer.status).toContainText('LIVE');
  // They stand on the ruler.
  await expect(viewer.ruler.locator('path.errors')).toHaveAttribute('d', /^(M0 \d+\.5H\d+){9}$/);
  await expect(viewer.ruler.locator('path.warnings')).toHaveAttribute('d', /^(M0 \d+\.5H\d+){12}$/);
});

test('a stack trace folds into its event, and opens', async ({ folder, serve, viewer }) => {
  const server = await serve([folder.write('app.log', lines(205))]);
  await viewer.open(server, 'logs/app.log');
  await viewer.expectLast('2026-11-20T10:03:25.000Z INFO request 205 path=/cart/205 took="5 ms"');
  await expect(viewer.folds).toHaveText(['8 more lines']);
  await viewer.folds.getByRole('gridcell').click();
  await expect(viewer.rows.filter({ hasText: 'frame7' })).toBeVisible();
  await expect(viewer.status).toContainText('PAUSED');
  await viewer.folds.getByRole('gridcell').click();
  await expect(viewer.rows.filter({ hasText: 'frame7' })).toHaveCount(0);
  // What is found in it opens it.
  await viewer.page.keyboard.press('/');
  await viewer.query.fill('frame6');
  await expect(viewer.found).toHaveText('2 hits');
  await viewer.page.keyboard.press('Enter');
  await expect(viewer.rows.filter({ hasText: 'frame6' }).first()).toBeVisible();
  await viewer.page.keyboard.press('Escape');
  await viewer.lines.focus();
  await viewer.page.keyboard.press('Z');
  await expect(viewer.folds).toHaveCount(0);
  await viewer.page.reload();
  await expect(viewer.status).toContainText(/LIVE|PAUSED/);
  await expect(viewer.rows.filter({ hasText: 'frame7' }).first()).toBeVisible();
});

test('details say all that a line says, and go with the cursor', async ({ folder, serve, viewer }) => {
  const json = '{"level":"warn","msg":"slow \\"query\\"","db":{"ms":512,"rows":[1,2]}}';
  const server = await serve([folder.write('app.log', `first a=1\n${json}\nlast b="two words"\n`)]);
  await viewer.open(server, 'logs/app.log');
  await viewer.expectLast('last b="two words"');
  await viewer.lines.focus();
  const { keyboard } = viewer.page;
  await keyboard.press('Enter');
  await expect(viewer.status).toContainText('PAUSED');
  await expect(viewer.details.getByRole('row', { name: /two words/ })).toBeVisible();
  await keyboard.press('k');
  await expect(viewer.details.getByRole('row', { name: /db\.ms/ })).toContainText('512');
  await expectAccessible(viewer.page);
  await viewer.details.getByRole('tab', { name: 'JSON' }).click();
  await expect(viewer.details.locator('pre')).toContainText('"ms": 512,\n');
  await viewer.details.getByRole('tab', { name: 'Bytes' }).click();
  await expect(viewer.details.locator('pre')).toContainText('0000 7b 22 6c 65 76 65 6c 22  3a');
  await viewer.details.getByRole('tab', { name: 'Text' }).click();
  await viewer.details.getByRole('button', { name: 'Copy', exact: true }).click();
  expect(await viewer.clipboard()).toBe(json);
  await viewer.details.getByRole('tab', { name: 'Fields' }).click();
  await viewer.details.getByRole('button', { name: 'Find msg' }).click();
  await expect(viewer.query).toHaveValue('msg:"slow \\"query\\""');
  await expect(viewer.found).toHaveText('1 hit');
});

test('a giant line is read to its end in the details', async ({ folder, serve, viewer }) => {
  const server = await serve([folder.write('app.log', `small\n${'x'.repeat(50_000)}the end\n`)]);
  await viewer.open(server, 'logs/app.log');
  await viewer.lines.focus();
  await viewer.page.keyboard.press('p');
  await expect(viewer.details.locator('pre')).toContainText('the end');
  await viewer.lines.focus();
  await viewer.page.keyboard.press('Y');
  await expect(viewer.status).toContainText('1 line copied');
  expect((await viewer.clipboard()).length).toBe(50_007);
});

test('the palette finds what can be done, and does it', async ({ folder, serve, viewer }) => {
  folder.write('other.log', 'the other\n');
  const server = await serve([folder.write('app.log', lines(950)), folder.file('other.log')]);
  await viewer.open(server, 'logs/app.log');
  const { keyboard } = viewer.page;
  await viewer.lines.focus();
  await keyboard.press('Control+k');
  await expect(viewer.command).toBeFocused();
  await expect(viewer.commands.filter({ hasText: 'tail -F' })).toContainText('follow');
  await expectAccessible(viewer.page);
  await keyboard.type('wrap');
  await keyboard.press('Enter');
  await expect(viewer.page.getByRole('button', { name: 'wrap' })).toHaveAttribute('aria-pressed', 'true');
  await keyboard.press(':');
  await keyboard.type('100');
  await keyboard.press('Enter');
  await expect.poll(() => viewer.cursor()).toMatch(request(100));
  // A place in time.
  await keyboard.press('t');
  await keyboard.type('2026-11-20T10:05:00Z');
  await keyboard.press('Enter');
  await expect.poll(() => viewer.cursor()).toMatch(/request 300 failed/);
  await keyboard.press(':');
  await keyboard.type('other.log');
  await keyboard.press('Enter');
  await viewer.expectLast('the other');
});

test('marks are kept by the browser, gone to, and copied', async ({ folder, serve, viewer }) => {
  const server = await serve([folder.write('app.log', lines(950))]);
  await viewer.open(server, 'logs/app.log');
  const { keyboard } = viewer.page;
  await viewer.lines.focus();
  await keyboard.press('m');
  await expect(viewer.rows.filter({ hasText: request(950) })).toHaveClass(/marked/);
  await keyboard.press('E');
  await expect.poll(() => viewer.cursor()).toMatch(/request 900 failed/);
  await keyboard.press('m');
  await keyboard.press('u');
  await expect.poll(() => viewer.cursor()).toMatch(request(950));
  await expect(viewer.ruler.locator('.mark')).toHaveCount(2);
  await keyboard.press('c');
  await expect(viewer.status).toContainText('2 lines copied');
  expect((await viewer.clipboard()).split('\n').map((line) => line.split(' ')[3])).toEqual(['900', '950', undefined]);
  await keyboard.press('M');
  const sheet = viewer.page.getByRole('dialog', { name: 'Marks' });
  await sheet.getByRole('textbox').first().fill('the first to fail');
  await sheet.getByRole('textbox').first().press('Tab');
  await expectAccessible(viewer.page);
  const download = viewer.page.waitForEvent('download');
  await sheet.getByRole('button', { name: 'Download' }).click();
  expect((await download).suggestedFilename()).toBe('app-marked.log');
  await viewer.page.reload();
  await expect(viewer.ruler.locator('.mark')).toHaveCount(2);
  await keyboard.press('M');
  await expect(sheet.getByRole('textbox').first()).toHaveValue('the first to fail');
  await sheet.getByRole('button', { name: /request 900/ }).first().click();
  await expect.poll(() => viewer.cursor()).toMatch(/request 900 failed/);
});

test('lines are chosen in the gutter, copied, and linked to', async ({ folder, serve, viewer }) => {
  const server = await serve([folder.write('app.log', lines(950))]);
  await viewer.open(server, 'logs/app.log');
  await viewer.number('request 940 ').click();
  await viewer.number('request 943 ').click({ modifiers: ['Shift'] });
  await expect(viewer.chosen).toContainText('4 lines');
  await expectAccessible(viewer.page);
  await viewer.chosen.getByRole('button', { name: 'Copy' }).click();
  await expect(viewer.status).toContainText('4 lines copied');
  expect((await viewer.clipboard()).trim().split('\n')).toHaveLength(4);
  await viewer.chosen.getByRole('button', { name: 'as tail' }).click();
  await expect.poll(() => viewer.clipboard()).toBe('tail -n +1012 app.log | head -n 4');
  await viewer.chosen.getByRole('button', { name: 'Link' }).click();
  await expect.poll(() => viewer.clipboard()).toMatch(/#@\w+:\d+-\w+:\d+$/);
  const link = await viewer.clipboard();
  await viewer.page.goto(`${server.origin}/`);
  await viewer.page.goto(link);
  await expect(viewer.chosen).toBeVisible();
  await expect(viewer.rows.locator('xpath=self::*[contains(@class, "chosen")]')).toHaveCount(4);
});

test('long lines wrap, and nothing of them is cut off', async ({ folder, serve, viewer }) => {
  const long = Array.from({ length: 60 }, (_, n) => `word${n}`).join(' ');
  const server = await serve([folder.write('app.log', `${'short\n'.repeat(50)}${long}\nlast\n`)]);
  await viewer.page.setViewportSize({ width: 1000, height: 600 });
  await viewer.open(server, 'logs/app.log');
  await viewer.lines.focus();
  await viewer.page.keyboard.press('S');
  await viewer.expectLast('last');
  const row = viewer.rows.filter({ hasText: 'word59' });
  const [text, whole, last] = await Promise.all([
    row.locator('.text').evaluate((text) => text.getBoundingClientRect().height),
    row.evaluate((row) => row.getBoundingClientRect()),
    viewer.rows.filter({ hasText: /^\s*\S*last$/ }).evaluate((row) => row.getBoundingClientRect().top),
  ]);
  expect(whole.height).toBeGreaterThan(60);
  expect(text).toBeLessThanOrEqual(whole.height + 1);
  expect(Math.abs(whole.top + whole.height - last)).toBeLessThan(1.5);
});

test('the timeline shows when, and leads there', async ({ folder, serve, viewer }) => {
  const server = await serve([folder.write('app.log', lines(3000))]);
  await viewer.open(server, 'logs/app.log');
  await viewer.lines.focus();
  await viewer.page.keyboard.press('i');
  await expect(viewer.timeline.locator('path.all')).toHaveAttribute('d', /^M0 100/);
  await expect(viewer.timeline.locator('path.errors')).toHaveAttribute('d', /^M/);
  await expectAccessible(viewer.page);
  const track = viewer.timeline.locator('.track');
  const { width, height } = (await track.boundingBox())!;
  await track.click({ position: { x: width / 2, y: height / 2 } });
  await expect.poll(async () => Number((await viewer.cursor()).match(/request (\d+)/)?.[1] ?? 0)).toBeGreaterThan(1450);
  expect(Number((await viewer.cursor()).match(/request (\d+)/)?.[1])).toBeLessThan(1550);
});

test('the word under the pointer is looked for', async ({ folder, serve, viewer }) => {
  const server = await serve([folder.write('app.log', 'one needle\ntwo\nthree needle\n')]);
  await viewer.open(server, 'logs/app.log');
  await viewer.rows.filter({ hasText: 'three' }).locator('.text').dblclick({ position: { x: 60, y: 8 } });
  await viewer.page.keyboard.press('*');
  await expect(viewer.query).toHaveValue('"needle"');
  await expect(viewer.hits).toHaveCount(2);
});

test('the view is cleared, and the log kept', async ({ folder, serve, viewer }) => {
  const server = await serve([folder.write('app.log', lines(100))]);
  await viewer.open(server, 'logs/app.log');
  await viewer.lines.focus();
  await viewer.page.keyboard.press('Control+Shift+L');
  await expect(viewer.page.getByRole('heading', { name: 'Cleared' })).toBeVisible();
  folder.append('app.log', 'a new one\n');
  await viewer.expectLast('a new one');
  await expect(viewer.rows).toHaveCount(1);
  await viewer.page.keyboard.press('g');
  await expect.poll(() => viewer.first()).toMatch(request(1));
});

test('times stand beside the lines, and a silence is told', async ({ folder, serve, viewer }) => {
  const at = (minute: number) => `2026-11-20T10:${String(minute).padStart(2, '0')}:00Z INFO minute ${minute}\n`;
  const server = await serve([folder.write('app.log', [0, 0, 0, 14, 14].map(at).join(''))]);
  await viewer.open(server, 'logs/app.log');
  await expect(viewer.notices).toHaveText(['silence · 14 min']);
  await viewer.lines.focus();
  await viewer.page.keyboard.press('T');
  await expect(viewer.rows.locator('.beside')).toHaveText(['', '+0', '+0', '+14 min', '+0']);
});
