// The dashboard against the real thing: a scheduler, two workers and the flights pipeline, driven in Chromium as a user would.
// Along the way a run that cannot succeed is looked into and cancelled. Takes the pictures that the README shows: into the
// folder PICTURES always, into docs/ when they are missing there or MILLRACE_PICTURE is set (a picture differs every time by
// its clocks, and a test should not leave changed files behind).
import assert from 'node:assert/strict';
import {copyFile, mkdir, stat} from 'node:fs/promises';
import {join} from 'node:path';
import {after, before, describe, it} from 'node:test';
import {openBrowser, signIn} from './browser.mjs';
import {startInstallation} from './installation.mjs';

const source = new URL('../../', import.meta.url).pathname;
const build = process.env['MILLRACE_BUILD'] ?? join(source, 'build/release');
const deps = process.env['MILLRACE_DEPS'] ?? join(source, 'build/deps');
const dist = process.env['MILLRACE_WEBUI_DIST'] ?? join(build, 'webui/dist');
const pictures = process.env['PICTURES'] ?? join(build, 'pictures');
const kRunTime = 180_000;
const kTasks = ['extract', 'quality', 'delays', 'states', 'check_result', 'publish', 'publish_states', 'report'];

async function prepare(root) {
  await mkdir(join(root, 'data'));
  for (const file of ['flights-3m.parquet', 'airports.csv']) await copyFile(join(deps, 'vega-datasets', file), join(root, 'data', file));
  return {MILLRACE_CONN_WAREHOUSE: 'duckdb:warehouse.duckdb'};
}

async function picture(page, name) {
  await mkdir(pictures, {recursive: true});
  const taken = join(pictures, name);
  // Nothing half-way: no dialog, no message, no pointer over anything.
  await page.mouse.move(0, 0);
  await page.waitForSelector('.toast', {state: 'detached'});
  await page.screenshot({path: taken, animations: 'disabled'});
  assert.ok((await stat(taken)).size > 20_000, `${name} shows next to nothing`);
  const shown = join(source, 'docs', name);
  const missing = await stat(shown).then(() => false, () => true);
  if (missing || process.env['MILLRACE_PICTURE']) await copyFile(taken, shown);
}

describe('the dashboard with the flights pipeline', () => {
  let millrace;
  let browser;
  let page;

  before(async () => {
    millrace = await startInstallation({bin: join(build, 'bin'), dist, dags: join(source, 'dags'), prepare});
    browser = await openBrowser();
    page = browser.page;
  });
  after(async () => {
    await browser?.close();
    const output = await millrace?.stop();
    if (process.env['VERBOSE']) console.log(output);
  });

  // Fills the trigger form that is open and gives the id of the run that it starts.
  async function trigger(date, change = async () => {}) {
    await page.fill('[name=logical_date]', date);
    await change();
    const before = new URL(page.url()).searchParams.get('run');
    await page.click('.dialog button[type=submit]');
    await page.waitForFunction((old) => {
      const run = new URLSearchParams(location.search).get('run');
      return run !== null && run !== old;
    }, before);
    return new URL(page.url()).searchParams.get('run');
  }

  it('asks for the password of the first start, and lists the pipeline with its schedule', async () => {
    await signIn(page, millrace.url, 'admin', millrace.password);
    const row = page.locator('tr[data-dag=daily_flights]');
    await row.waitFor();
    assert.match(await row.innerText(), /0 2 \* \* \*/);
    await page.waitForSelector('.bar-fact:has-text("2 workers")');
    await page.waitForSelector('.live-live');
  });

  it('shows why a run cannot succeed, and cancels it', async () => {
    await page.click('[aria-label="Run daily_flights"]');
    await trigger('2001-02-26', () => page.fill('[name=source]', 'data/no_such_file.parquet'));
    const broken = page.locator('.task-card[data-task=extract]:is([data-state=up_for_retry], [data-state=failed])');
    await broken.waitFor({timeout: kRunTime});
    await broken.click();
    await page.waitForSelector('.log-line >> text=no_such_file.parquet');
    await page.waitForSelector('.why');
    await page.keyboard.press('u');
    await page.click('text=Cancel run');
    await page.click('.dialog button:text("Cancel the run")');
    await page.waitForSelector('.run-pane .badge[data-state=failed]');
  });

  it('runs one day and shows every task end, without a reload', async () => {
    for (const day of ['2001-02-26', '2001-02-27', '2001-02-28']) {
      millrace.dagctl('dags', 'trigger', 'daily_flights', '--logical-date', day, '--run-id', `night__${day}`, '--wait');
    }
    await page.goto(`${millrace.url}/dags/daily_flights`);
    await page.waitForSelector('.live-live');
    await page.evaluate(() => (window.loadedOnce = true));
    await page.keyboard.press('t');
    const run = await trigger('2001-03-01');
    await page.waitForSelector('.run-pane .badge[data-state=success]', {timeout: kRunTime});
    for (const task of kTasks) await page.waitForSelector(`.task-card[data-task=${task}][data-state=success]`);
    await page.waitForSelector(`.grid-row [data-run="${run}"].s-success >> nth=${kTasks.length - 1}`);
    assert.equal(await page.evaluate(() => window.loadedOnce), true);
    await picture(page, 'dashboard.png');
  });

  it('shows the job: both stages of the shuffle, eight partitions, both workers', async () => {
    await page.click('.task-card[data-task=delays]');
    await page.click('[role=tab]:text("Job")');
    await page.waitForSelector('tr[data-stage=reduce]');
    assert.equal(await page.locator('.partition').count(), 8);
    assert.deepEqual(await page.locator('.lanes-name').allInnerTexts(), ['w1', 'w2']);
    assert.doesNotMatch(await page.locator('tr[data-stage=map]').innerText(), /–\s*$/);
    await picture(page, 'dashboard_job.png');
  });

  it('shows the result in the log of the last task', async () => {
    await page.click('nav >> text=daily_flights');
    await page.click('.task-card[data-task=report]');
    await page.waitForSelector('.log-line >> text=ORD');
    assert.match(await page.locator('.log-box').innerText(), /airport[\s\S]*state[\s\S]*flights/);
    await picture(page, 'dashboard_result.png');
  });

  it('raised no error in the browser', () => assert.deepEqual(browser.problems, []));
});
