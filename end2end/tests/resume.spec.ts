// The line may break and the server may restart: the page goes on exactly where it stood.
import { numbered } from '../fixtures/folder';
import { expect, test } from '../fixtures/test';

// A refused connection is what these tests are about; the browser reports it by itself.
test.beforeEach(({ allowed }) => {
  allowed.push(/WebSocket connection to/, /net::ERR_/);
});

test('a server that starts again is found again, and no line is missing', async ({ folder, serve, servers, viewer }) => {
  const server = await serve([folder.write('app.log', numbered(1, 10))]);
  await viewer.open(server, 'logs/app.log');
  await viewer.expectLast('line 10');
  let next = 11;
  for (let round = 0; round < 3; round += 1) {
    folder.append('app.log', numbered(next, 2));
    await server.stop(round === 1 ? 'SIGKILL' : 'SIGTERM');
    for (const old of servers.splice(0)) await old.stop('SIGTERM');
    await expect(viewer.status).toContainText('RECONNECTING');
    folder.append('app.log', numbered(next + 2, 2));
    servers.push(await server.again());
    next += 4;
    await viewer.expectLast(`line ${next - 1}`);
    await expect(viewer.status).toContainText('LIVE');
  }
  const expected = numbered(1, next - 1).trimEnd().split('\n');
  await expect.poll(() => viewer.texts()).toEqual(expected);
});

test('offline is said, and back online the page resumes', async ({ folder, serve, servers, viewer, context }) => {
  const server = await serve([folder.write('app.log', numbered(1, 10))]);
  await viewer.open(server, 'logs/app.log');
  await viewer.expectLast('line 10');
  await context.setOffline(true);
  // Playwright cuts new connections only; the old one goes with the server.
  await server.stop('SIGKILL');
  await expect(viewer.status).toContainText('RECONNECTING');
  servers.push(await server.again());
  folder.append('app.log', numbered(11, 30));
  await context.setOffline(false);
  await viewer.expectLast('line 40');
  await expect(viewer.page.getByText(/caught up 30 lines/i).first()).toBeVisible();
});

test('a reader in the middle stays there', async ({ folder, serve, servers, viewer }) => {
  const server = await serve([folder.write('app.log', numbered(1, 5000))]);
  await viewer.open(server, 'logs/app.log');
  await viewer.page.keyboard.type('2000G');
  await expect.poll(async () => (await viewer.texts()).includes('line 2000')).toBe(true);
  const before = await viewer.texts();
  await server.stop();
  await expect(viewer.status).toContainText('RECONNECTING');
  folder.append('app.log', numbered(5001, 7));
  servers.push(await server.again());
  await expect(viewer.pill).toContainText('7 new');
  expect(await viewer.texts()).toEqual(before);
});
