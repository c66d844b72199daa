// Who is let in, by which name, from whose page, and to what.
import { symlinkSync } from 'node:fs';

import { expect, test } from '../fixtures/test';

const upgrade = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
};

test('nobody is let in without the key, to page, lines, or socket', async ({ folder, serve }) => {
  const server = await serve([folder.write('app.log', 'secret\n')], { token: null });
  const socket = { ...upgrade, origin: server.origin };
  for (const [path, headers] of [
    ['/', {}],
    ['/s/logs/app.log', {}],
    ['/s/logs/app.log', { authorization: 'Bearer guessed' }],
    ['/s/logs/app.log', { cookie: `tailwater-session-${server.port}=guessed` }],
    ['/api/v1/view', socket],
  ] as [string, Record<string, string>][]) {
    const answer = await server.ask(path, headers);
    expect(answer.status, path).toBe(401);
    expect(answer.body).not.toContain('secret');
  }
  const page = await server.ask('/s/logs/app.log', { accept: 'text/html' });
  expect([page.status, page.headers.location]).toEqual([303, '/login?next=/s/logs/app.log']);
});

test('the printed address signs a browser in once', async ({ folder, serve, page, browser }) => {
  const server = await serve([folder.write('app.log', 'hello\n')], { token: null });
  await page.goto(server.signIn);
  expect(new URL(page.url()).search, 'the key is gone from the address').toBe('');
  expect((await page.goto(server.address('logs/app.log')))?.status()).toBe(200);
  const other = await browser.newContext();
  const late = await other.newPage();
  await late.goto(server.signIn);
  await expect(late).toHaveURL(/\/login/);
  await other.close();
});

test('a key is entered by hand, and a wrong one is refused', async ({ folder, serve, page, allowed }) => {
  allowed.push(/status of 403/);
  const server = await serve([folder.write('app.log', 'hello\n')]);
  await page.goto(server.address('logs/app.log'));
  await page.getByLabel('Key').fill('wrong');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('alert')).toBeVisible();
  await page.getByLabel('Key').fill('a-token-for-the-tests-alone');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page).toHaveURL(server.address('logs/app.log'));
});

test('a foreign Host is answered nothing', async ({ folder, serve }) => {
  const server = await serve([folder.write('app.log', 'secret\n')]);
  for (const host of ['evil.example', `evil.example:${server.port}`, 'localhost.evil.example']) {
    for (const path of ['/', '/s/logs/app.log', '/healthz', '/login', '/pkg/tailwater.js']) {
      const answer = await server.ask(path, { host });
      expect(answer.status, `${host} ${path}`).toBe(421);
      expect(answer.body).not.toContain('secret');
    }
  }
});

test('a page of another origin opens no socket and changes nothing', async ({ folder, serve }) => {
  const server = await serve([folder.write('app.log', 'x\n')]);
  const signedIn = await server.ask(
    '/login',
    { origin: server.origin, 'content-type': 'application/x-www-form-urlencoded' },
    'POST',
    'key=a-token-for-the-tests-alone',
  );
  const cookie = signedIn.headers['set-cookie']![0]!.split(';')[0]!;
  const asPage = { cookie, authorization: '' };
  expect((await server.ask('/api/v1/view', { ...upgrade, ...asPage, origin: server.origin })).status).toBe(101);
  for (const origin of ['http://evil.example', 'null', `http://127.0.0.1:${server.port + 1}`, undefined]) {
    const from: Record<string, string> = origin === undefined ? {} : { origin };
    expect((await server.ask('/api/v1/view', { ...upgrade, ...asPage, ...from })).status, String(origin)).toBe(403);
    expect((await server.ask('/logout', { ...asPage, ...from }, 'POST')).status, String(origin)).toBe(403);
  }
});

test('nothing but what was named can be read', async ({ folder, serve }) => {
  folder.write('../secret.txt', 'secret\n');
  folder.write('app.log', 'x\n');
  symlinkSync('/etc/passwd', folder.file('passwd.log'));
  symlinkSync('../secret.txt', folder.file('out.log'));
  symlinkSync('/etc', folder.file('etc'));
  const server = await serve([folder.path]);
  expect((await server.ask('/s/logs/app.log')).body).toBe('x\n');
  const paths = [
    '/s/../secret.txt',
    '/s/..%2fsecret.txt',
    '/s/%2e%2e/secret.txt',
    '/s/logs/../secret.txt',
    '/s/logs/..%2f..%2fetc/passwd',
    '/s//etc/passwd',
    '/s/%2fetc%2fpasswd',
    '/s/logs/etc/passwd',
    '/s/etc/passwd',
    '/s/out.log',
    '/s/logs/out.log',
    '/s/passwd.log',
    '/s/logs/passwd.log',
    '/s/logs/app.log%00.txt',
    '/pkg/../Cargo.toml',
    '/pkg/..%2f..%2fCargo.toml',
    '/pkg/%2fetc%2fpasswd',
  ];
  for (const path of paths) {
    const answer = await server.ask(path);
    expect(answer.body, path).not.toMatch(/secret|root:/);
    expect(answer.status, path).not.toBe(200);
  }
});

test('a page allows no script but its own, and no frame', async ({ folder, serve }) => {
  const server = await serve([folder.write('app.log', 'x\n')]);
  const one = await server.ask('/s/logs/app.log', { accept: 'text/html' });
  const other = await server.ask('/s/logs/app.log', { accept: 'text/html' });
  const policy = String(one.headers['content-security-policy']);
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).not.toContain('unsafe-inline');
  const nonce = /'nonce-([^']+)'/.exec(policy)?.[1];
  expect(nonce?.length).toBeGreaterThan(15);
  expect(one.body).toContain(`nonce="${nonce}"`);
  expect(other.headers['content-security-policy'], 'a nonce is good once').not.toBe(policy);
  expect(one.headers['x-content-type-options']).toBe('nosniff');
});

test('the files of the page are packed and asked for once', async ({ folder, serve }) => {
  const server = await serve([folder.write('app.log', 'x\n')]);
  for (const file of ['tailwater.js', 'tailwater.css', 'tailwater_bg.wasm']) {
    const first = await server.ask(`/pkg/${file}`, { 'accept-encoding': 'br' });
    expect([first.status, first.headers['content-encoding']]).toEqual([200, 'br']);
    const again = await server.ask(`/pkg/${file}`, {
      'accept-encoding': 'br',
      'if-none-match': String(first.headers.etag),
    });
    expect([again.status, again.body]).toEqual([304, '']);
    const head = await server.ask(`/pkg/${file}`, {}, 'HEAD');
    expect([head.status, head.body]).toEqual([200, '']);
    expect(Number(head.headers['content-length'])).toBeGreaterThan(Number(first.headers['content-length']));
  }
});

test('another address than loopback needs a login', async ({ serve }) => {
  const refused = serve([], { flags: ['--bind', '0.0.0.0'], token: null });
  await expect(refused).rejects.toThrow(/TAILWATER_TOKEN[^]*--no-auth/);
});
