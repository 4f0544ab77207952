// The dashboard against the real thing: a scheduler, two workers and the flights pipeline, driven in Chromium as a user would.
// Along the way a run that cannot succeed is looked into and cancelled. Takes the pictures that the README shows: into the
// folder PICTURES always, into docs/ when they are missing there or MILLRACE_PICTURE is set (a picture differs every time by
// its clocks, and a test should not leave changed files behind).
import assert from 'node:assert/strict';
import {copyFile, mkdir, stat, writeFile} from 'node:fs/promises';
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

// What the flights pipeline has not: groups, a mapped task of which one fails, setup and teardown, params, an asset.
const kShops = `dag_id: shops
schedule: "@daily"
start_date: 2001-03-01
end_date: 2001-03-05
catchup: false
params:
  bad: {type: string, pattern: "^[A-Z]{3}$", default: HAM}
tasks:
  - {id: list, uses: shell, with: {command: echo three}}
  - group: stage
    needs: [list]
    tasks:
      - {id: create, uses: shell, setup: true, with: {command: "true"}}
      - {id: fetch, uses: shell, needs: [create], expand: {shop: [BER, HAM, MUC]}, with: {command: "echo fetch {{ map.shop }}; test {{ map.shop }} != {{ params.bad }} && echo rows=7 >> $MILLRACE_OUTPUT"}}
      - {id: drop, uses: shell, teardown: [create], needs: [fetch], with: {command: "true"}}
  - {id: report, uses: shell, needs: [stage], outlets: [shop_report], with: {command: "echo report for {{ ds }}"}}
`;

// Somebody is asked, and with the answer the run goes on and triggers another DAG.
const kGate = `dag_id: gate
schedule: null
start_date: 2001-01-01
tasks:
  - {id: ok, uses: approval, with: {subject: "Publish it?", params: {reason: {type: string, minLength: 3}}}}
  - {id: next, uses: trigger_dag, needs: [ok], with: {dag: gated}}
`;
const kGated = `dag_id: gated
schedule: null
start_date: 2001-01-01
tasks:
  - {id: publish, uses: shell, with: {command: "echo published"}}
`;

async function prepare(root, dags) {
  await writeFile(join(dags, 'gate.yaml'), kGate);
  await writeFile(join(dags, 'gated.yaml'), kGated);
  await writeFile(join(dags, 'shops.yaml'), kShops);
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

  it('shows groups and the instances of a mapped task, and the log of the one that failed', async () => {
    await page.goto(`${millrace.url}/dags/shops`);
    await page.waitForSelector('h1:text("shops")');
    await page.keyboard.press('t');
    await page.fill('[name=bad]', 'ham');
    await page.waitForSelector('.field-problem >> text=must match the pattern');
    await page.fill('[name=bad]', 'HAM');
    await trigger('2001-03-01');
    await page.waitForSelector('.run-pane .badge[data-state=failed]', {timeout: kRunTime});
    await page.waitForSelector('.group-box[data-group=stage] .task-card[data-task="stage.fetch"], .task-card[data-task="stage.fetch"][data-state=failed] >> text=3 of 3');
    await page.click('[aria-label="Open stage.fetch"]');
    await page.waitForSelector('.grid-row[data-kind=instance] .cell.s-failed');
    assert.equal(await page.locator('.grid-row[data-kind=instance] .cell').count(), 3);
    await page.click('.task-card[data-task="stage.fetch"]');
    await page.click('a.mapped-row:has-text("failed")');
    await page.waitForSelector('h1:text("stage.fetch [1]")');
    await page.waitForSelector('.log-line >> text=fetch HAM');
    await page.waitForSelector('.why >> text=exit code 1');
    await page.click('[role=tab]:text("Rendered fields")');
    await page.waitForSelector('.rendered >> text=HAM');
    await page.keyboard.press(',');
    await page.click('[role=tab]:text("XComs")');
    await page.waitForSelector('[data-xcom=rows] >> text=7');
  });

  it('marks the failed instance, so that the rest of the run goes on, and shows whom the asset concerns', async () => {
    await page.keyboard.press('.');
    await page.waitForSelector('.task-head .badge[data-state=failed]');
    await page.keyboard.press('m');
    await page.waitForSelector('.clear-list >> text=stage.fetch [1]');
    await page.click('.dialog button[type=submit]');
    await page.waitForSelector('.task-head .badge[data-state=success]');
    await page.keyboard.press('u');
    await page.keyboard.press('u');
    await page.waitForSelector('.run-pane .badge');
    if ((await page.locator('.run-pane .badge').getAttribute('data-state')) === 'failed') await page.click('text=Retry failed');
    await page.waitForSelector('.run-pane .badge[data-state=success]', {timeout: kRunTime});
    await page.keyboard.press('4');
    await page.click('tr[data-asset=shop_report] a.strong');
    await page.waitForSelector('tr[data-event] >> text=shops');
    // Its address is a page, and no folder of the bundle.
    await page.reload();
    await page.waitForSelector('tr[data-event] >> text=shops');
  });

  it('marks a whole group and runs it again, after the scheduler\'s own dry run', async () => {
    await page.goto(`${millrace.url}/dags/shops`);
    await page.waitForSelector('.run-pane .badge[data-state=success]');
    await page.hover('.grid-row[data-id=stage]');
    await page.click('.grid-row[data-id=stage] [aria-label="Change stage"]');
    await page.click('.dialog .segments button:text("Mark skipped")');
    await page.uncheck('[name=downstream]');
    await page.waitForSelector('.selection-sum:text("5 task instances")');
    await page.click('.dialog button[type=submit]');
    for (const task of ['create', 'fetch', 'drop']) await page.waitForSelector(`.task-card[data-task="stage.${task}"][data-state=skipped]`);
    await page.hover('.grid-row[data-id=stage]');
    await page.click('.grid-row[data-id=stage] [aria-label="Change stage"]');
    await page.waitForSelector('.clear-list li:has-text("stage.fetch [0–2]")');
    await page.click('.dialog button[type=submit]');
    await page.waitForSelector('.task-card[data-task="stage.fetch"]:is([data-state=success], [data-state=failed])', {timeout: kRunTime});
    await page.waitForSelector('.run-pane .badge[data-state=failed]', {timeout: kRunTime});
  });

  it('shows what all DAGs did, when, and on which worker; and how long the nights took', async () => {
    await page.goto(`${millrace.url}/activity?hours=1`);
    await page.waitForSelector('.activity-card[data-what=runs] [data-sum=success]');
    await page.waitForSelector('.activity-card[data-what=task_instances] .activity-bar');
    await page.waitForSelector('tr[data-worker=w1] .badge[data-state=online]');
    await page.keyboard.press('v');
    await page.waitForSelector('.timeline-row[data-group=daily_flights] .timeline-bar');
    await page.waitForSelector('.timeline-row[data-group=shops]');
    await page.keyboard.press('g');
    await page.waitForSelector('.timeline-row[data-group=default_pool]');
    await page.keyboard.press('g');
    await page.waitForSelector('.timeline-row[data-group=w2] .timeline-bar');
    await page.goto(`${millrace.url}/dags/daily_flights/durations`);
    await page.waitForSelector('polyline[data-series="~"]');
    assert.equal(await page.locator('.durations-table tbody tr').count(), kTasks.length + 1);
  });

  it('shows the run as a gantt with its waits, and its day in the calendar', async () => {
    await page.goto(`${millrace.url}/dags/daily_flights?run=night__2001-02-27&view=gantt`);
    await page.waitForSelector('.gantt-row[data-id=publish] [data-bar=running]');
    const begins = async (task) => (await page.locator(`.gantt-row[data-id=${task}] [data-bar=running]`).boundingBox()).x;
    assert.ok((await begins('extract')) < (await begins('delays')) && (await begins('delays')) < (await begins('publish')));
    assert.ok((await page.locator('[data-bar=queued]').count()) > 0);
    await page.goto(`${millrace.url}/dags/daily_flights/calendar?day=2001-02-27`);
    await page.waitForSelector('.day[data-day="2001-02-27"][data-state=success]');
    await page.click('.day-list a[title="night__2001-02-27"]');
    await page.waitForSelector('.run-id:text("night__2001-02-27")');
  });

  it('runs several runs again after the dry run, and deletes them', async () => {
    await page.goto(`${millrace.url}/runs?dag=daily_flights&search=night__`);
    await page.waitForFunction(() => document.querySelectorAll('tr[data-run]').length === 3);
    await page.keyboard.press('a');
    await page.keyboard.press('c');
    assert.equal(await page.isChecked('[name=onlyFailed]'), false);
    await page.waitForSelector('.selection-sum >> text=in 3 runs');
    await page.click('.dialog button[type=submit]');
    await page.waitForSelector('tr[data-run] .badge:is([data-state=running], [data-state=queued])');
    await page.waitForFunction(() => document.querySelectorAll('tr[data-run] .badge[data-state=success]').length === 3, null, {timeout: kRunTime});
    await page.click('[aria-label="Select night__2001-02-26"]');
    await page.click('.selection-bar button:text("Delete…")');
    await page.click('.dialog button[type=submit]');
    await page.waitForFunction(() => document.querySelectorAll('tr[data-run]').length === 2);
  });

  it('backfills a range after its dry run, and shows what changed in the file', async () => {
    await page.goto(`${millrace.url}/dags/shops/backfills`);
    await page.waitForSelector('text=No backfill yet');
    await page.keyboard.press('b');
    await page.fill('[name=from_date]', '2001-03-01');
    await page.fill('[name=to_date]', '2001-03-05');
    await page.waitForSelector('.selection-sum >> text=5 dates');
    await page.click('.form-more summary');
    await page.fill('[name=bad]', 'XXX');
    await page.click('.dialog button[type=submit]');
    await page.waitForSelector('tr[data-backfill] .badge[data-state=completed]', {timeout: kRunTime});
    assert.match(await page.locator('tr[data-backfill] .progress-bar').getAttribute('aria-label'), /5 succeeded/);
    await writeFile(join(millrace.dags, 'shops.yaml'), kShops.replace('echo report for', 'echo a report for'));
    await page.keyboard.press('v');
    await page.waitForSelector('[data-version="2"]', {timeout: 60_000});
    await page.waitForSelector('.code-line >> text=a report for');
    await page.keyboard.press('x');
    await page.waitForSelector('.code-line[data-kind=removed] >> text=echo report for');
  });

  it('asks for an approval wherever one looks, and the run goes on with the answer', async () => {
    millrace.dagctl('dags', 'trigger', 'gate', '--run-id', 'by_hand');
    await page.click('.bar-waits:has-text("1 approval")', {timeout: kRunTime});
    await page.click('tr[data-approval=ok] a.button');
    await page.waitForSelector('.approval h2:text("Publish it?")');
    await page.fill('[name=reason]', 'all is well');
    await page.click('.approval-options button:text("Approve")');
    await page.waitForSelector('.approval >> text=by admin');
    await page.goto(`${millrace.url}/dags/gated`);
    await page.waitForSelector('.run-pane .badge[data-state=success]', {timeout: kRunTime});
    await page.click('.run-head a:has-text("gate next")');
    await page.waitForSelector('h1:text("next")');
  });

  it('raised no error in the browser', () => assert.deepEqual(browser.problems, []));
});
