// `make screenshots`: not tests, but pictures for docs/, by the same means.
import { defineConfig } from '@playwright/test';

import tests from './playwright.config';

export default defineConfig({
  ...tests,
  testDir: 'screenshots',
  projects: undefined,
  reporter: 'list',
  outputDir: 'results/screenshots',
});
