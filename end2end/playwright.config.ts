// The release binary in a real Chromium. `cargo xtask browser` says where both are; by hand, after
// `make build`: npx playwright test (TAILWATER_CHROMIUM and TAILWATER_BINARY name others)
import { defineConfig } from '@playwright/test';
import { availableParallelism } from 'node:os';

const root = process.getuid?.() === 0;

export default defineConfig({
  testDir: 'tests',
  outputDir: 'results/artefacts',
  reporter: [['list'], ['json', { outputFile: process.env.PLAYWRIGHT_JSON_OUTPUT_FILE ?? 'results/report.json' }]],
  workers: availableParallelism(),
  // The load runs last and alone: beside it other tests would measure each other.
  projects: [
    { name: 'page', testIgnore: 'load.spec.ts' },
    { name: 'load', testMatch: 'load.spec.ts', dependencies: ['page'] },
  ],
  fullyParallel: true,
  forbidOnly: true,
  // A test that passes at the second try has failed.
  retries: 0,
  timeout: 180_000,
  expect: { timeout: 15_000 },
  use: {
    browserName: 'chromium',
    viewport: { width: 1280, height: 800 },
    trace: 'retain-on-failure',
    launchOptions: {
      executablePath: process.env.TAILWATER_CHROMIUM ?? '/usr/bin/chromium',
      args: [
        ...(root ? ['--no-sandbox'] : []),
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
  },
});
