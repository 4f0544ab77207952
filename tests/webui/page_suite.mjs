// Starts the stand-in and Chromium for a file of page tests. Every test begins signed in, on the DAG list, and fails on any console
// error or policy violation, under the policy that the scheduler sends.
import assert from 'node:assert/strict';
import {after, afterEach, before, beforeEach, describe} from 'node:test';
import {openBrowser, signIn} from './browser.mjs';
import {startMock} from './mock_server.mjs';

const dist = process.env['MILLRACE_WEBUI_DIST'] ?? new URL('../../webui/dist', import.meta.url).pathname;

// started: is given the stand-in and the page before the first test; define: the tests.
export function describePages(name, started, define) {
  describe(name, () => {
    let mock;
    let browser;

    before(async () => {
      mock = await startMock({dist, speed: 5});
      browser = await openBrowser();
      started({mock, page: browser.page});
    });
    after(async () => {
      await browser?.close();
      await mock?.close();
    });
    beforeEach(async () => {
      const {page, problems} = browser;
      problems.length = 0;
      await page.goto('about:blank');
      mock.setEvents(true);
      await page.goto(mock.url);
      await page.evaluate(() => sessionStorage.clear());
      await signIn(page, mock.url, 'admin', 'millrace');
      await page.waitForSelector('.run-dot');
    });
    afterEach(() => {
      for (const task of [...mock.world.held.keys()]) mock.world.release(task);
      mock.world.rights = {};
      assert.deepEqual(browser.problems, []);
    });
    define();
  });
}
