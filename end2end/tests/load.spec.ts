// A log that grows by 100 000 lines a second. TAILWATER_SECONDS=60 for the long run.
import { Writer } from '../fixtures/folder';
import { expect, test } from '../fixtures/test';

const SECONDS = Number(process.env.TAILWATER_SECONDS ?? 5);
const PER_SECOND = 100_000;

test(`${PER_SECOND} lines a second for ${SECONDS} s: the page follows, answers to keys, and stays small`, async ({ folder, serve, viewer }) => {
  test.setTimeout((SECONDS + 90) * 1000);
  const server = await serve([folder.write('busy.log', 'first\n')]);
  await viewer.open(server, 'logs/busy.log');
  await viewer.expectLast('first');
  const heap = await viewer.heap();
  const memory = server.memory();
  const number = (text: string) => Number(/request (\d+) /.exec(text)?.[1]);
  // The last row may be half a line: the writer is not waited for.
  const newest = async () => Math.max(-1, ...(await viewer.texts()).map(number).filter((n) => !Number.isNaN(n)));

  const writer = new Writer(folder.file('busy.log'), PER_SECOND);
  const slice = Math.max(1, SECONDS / 5) * 1000;
  let seen = 0;
  for (let at = 0; at < 5; at += 1) {
    // Time has to pass for there to be a load; nothing is asserted about how long anything took.
    await new Promise((passed) => setTimeout(passed, slice));
    await expect.poll(newest).toBeGreaterThan(seen);
    seen = await newest();
    // A key is answered in the middle of it: the picture stands, and goes on again.
    await viewer.page.keyboard.press('k');
    await expect(viewer.pill).toBeVisible();
    const still = await viewer.texts();
    expect(await viewer.texts()).toEqual(still);
    await viewer.page.keyboard.press('Shift+G');
    await expect.poll(newest).toBeGreaterThan(Math.max(...still.map(number).filter((n) => !Number.isNaN(n))));
  }
  const written = writer.stop();
  expect(written, 'the test itself could write that fast').toBeGreaterThan(SECONDS * PER_SECOND * 0.5);

  await expect.poll(newest).toBe(written);
  const { all, rows } = await viewer.nodes();
  expect(rows).toBeLessThanOrEqual(200);
  expect(all).toBeLessThan(3000);
  expect((await viewer.heap()) - heap).toBeLessThan(24 * 1024 * 1024);
  expect(server.memory() - memory).toBeLessThan(48 * 1024 * 1024);

  // Every line can be reached: any number leads to its line.
  for (const wanted of [1, Math.floor(written / 3), Math.floor(written / 2), written - 1]) {
    // Line 1 of the file is `first`.
    await viewer.page.keyboard.type(`${wanted + 1}G`);
    await expect.poll(async () => (await viewer.texts()).some((text) => number(text) === wanted)).toBe(true);
  }
});
