// Debian's Chromium for the dashboard's tests: one fresh profile a test file, console and policy errors collected, all of it
// gone afterwards.
import {createRequire} from 'node:module';
import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';

const {chromium} = createRequire(new URL('../../webui/package.json', import.meta.url))('playwright-core');

export async function openBrowser({colorScheme = 'light', width = 1440, height = 900} = {}) {
  const profile = await mkdtemp(join(tmpdir(), 'millrace-webui-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-background-networking', '--disable-component-update', '--no-first-run'],
    viewport: {width, height},
    colorScheme,
  });
  const page = context.pages()[0] ?? (await context.newPage());
  page.setDefaultTimeout(20_000);
  const problems = [];
  page.on('pageerror', (error) => problems.push(`page error: ${error.message}`));
  page.on('console', (message) => {
    // Failed requests are said so by the browser itself; tests that provoke them look at the page instead.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) problems.push(`console: ${message.text()}`);
  });
  return {
    page,
    problems,
    close: async () => {
      await context.close();
      await rm(profile, {recursive: true, force: true});
    },
  };
}

export async function signIn(page, url, user, password) {
  await page.goto(url);
  await page.fill('[name=username]', user);
  await page.fill('[name=password]', password);
  await page.click('button[type=submit]');
  await page.waitForSelector('.shell');
}
