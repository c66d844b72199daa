// Finding: what is typed is marked in sight at once, counted in the whole log, and gone to.
import { expect, expectAccessible, test } from '../fixtures/test';

/** Lines of which every hundredth speaks of a time-out, and one of a needle. */
function lines(from: number, to: number): string {
  const line = (n: number) => {
    if (n === 12_345) return `line ${n} a needle`;
    return n % 100 === 0 ? `line ${n} upstream Timeout` : `line ${n} served`;
  };
  return Array.from({ length: to - from + 1 }, (_, at) => `${line(from + at)}\n`).join('');
}

test('what is typed is marked, counted and gone to', async ({ folder, serve, viewer }) => {
  const server = await serve([folder.write('app.log', lines(1, 30_000))]);
  await viewer.open(server, 'logs/app.log');
  const { keyboard } = viewer.page;
  await keyboard.press('/');
  await expect(viewer.query).toBeFocused();
  await keyboard.type('timeout');
  await expect(viewer.hits.first()).toHaveText('Timeout');
  await expect(viewer.found).toHaveText('300 hits');
  // Nothing moved: it is still followed.
  await expect(viewer.status).toContainText('LIVE');
  await keyboard.press('Enter');
  await expect(viewer.found).toHaveText('300 of 300');
  await keyboard.press('Shift+Enter');
  await expect(viewer.found).toHaveText('299 of 300');
  await expect.poll(async () => (await viewer.texts()).includes('line 29900 upstream Timeout')).toBe(true);
  await keyboard.press('Enter');
  await keyboard.press('Enter');
  await expect(viewer.found).toHaveText('300 of 300 · none below');
  // From the first line on.
  await viewer.lines.focus();
  await keyboard.press('g');
  await viewer.expectFirst('line 1 served');
  await keyboard.press('n');
  await expect(viewer.found).toHaveText('1 of 300');
  await keyboard.press('Escape');
  await expect(viewer.query).toHaveCount(0);
  await expect(viewer.hits).toHaveCount(0);
});

test('one line of many is found from anywhere, and the link keeps the search', async ({ folder, serve, viewer }) => {
  const server = await serve([folder.write('app.log', lines(1, 30_000))]);
  await viewer.open(server, 'logs/app.log', '?q=needle');
  await expect(viewer.query).toHaveValue('needle');
  await expect(viewer.found).toHaveText('1 hit');
  await viewer.page.keyboard.press('N');
  await expect(viewer.found).toHaveText('1 of 1');
  await expect(viewer.hits).toHaveText('needle');
  await expect(viewer.ruler.locator('.hits path.found')).toHaveAttribute('d', /^M\d+ 2\d\d\.5H16$/);
  await viewer.query.fill('nowhere');
  await expect(viewer.found).toHaveText(/^no hit in 30\s?000 lines$/);
  await expect(viewer.page).toHaveURL(/[?&]q=nowhere/);
});

test('hits in new lines are marked and counted as they come', async ({ folder, serve, viewer }) => {
  const server = await serve([folder.write('app.log', lines(1, 1000))]);
  await viewer.open(server, 'logs/app.log', '?q=timeout');
  await expect(viewer.found).toHaveText('10 hits');
  folder.append('app.log', lines(1001, 1300));
  await expect(viewer.found).toHaveText('13 hits');
  await viewer.expectLast('line 1300 upstream Timeout');
  await expect(viewer.hits.last()).toHaveText('Timeout');
});

test('a wrong query is shown where it is wrong', async ({ folder, serve, viewer }) => {
  const server = await serve([folder.write('app.log', lines(1, 100))]);
  await viewer.open(server, 'logs/app.log');
  await viewer.page.keyboard.press('Control+f');
  await viewer.query.fill('served /(oops/');
  const alert = viewer.page.getByRole('alert');
  await expect(alert.locator('mark')).toContainText('(');
  await expect(viewer.query).toHaveAttribute('aria-invalid', 'true');
  await expectAccessible(viewer.page);
  await viewer.query.fill('served');
  await expect(alert).toHaveCount(0);
  await expect(viewer.found).toHaveText('99 hits');
});

test('the page finds by level, field and expression', async ({ folder, serve, viewer }) => {
  const log = [
    '{"level":"info","status":200,"path":"/cart"}',
    '{"level":"error","status":502,"path":"/pay"}',
    'level=warn status=503 path=/login',
    '2026-11-21T10:00:00Z ERROR upstream 10.0.0.7 failed',
  ];
  const server = await serve([folder.write('app.log', `${log.join('\n')}\n`)]);
  await viewer.open(server, 'logs/app.log');
  await viewer.page.keyboard.press('/');
  for (const [query, hits] of [
    ['level:error', '2 hits'],
    ['level>=warn', '3 hits'],
    ['status>=500', '2 hits'],
    ['path:/cart', '1 hit'],
    ['/10\\.0\\.0\\.\\d+/', '1 hit'],
    ['status>=500 -login', '1 hit'],
    ['cart OR login', '2 hits'],
  ] as const) {
    await viewer.query.fill(query);
    await expect(viewer.found, query).toHaveText(hits);
  }
});
