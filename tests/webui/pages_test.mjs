// What the pages show, and how one moves in them: driven in Chromium against the stand-in.
import assert from 'node:assert/strict';
import {it} from 'node:test';
import {describePages} from './page_suite.mjs';

let mock;
let page;

describePages('the dashboard shows', (started) => ({mock, page} = started), () => {
  const rows = () => page.locator('.dag-table tbody tr').evaluateAll((all) => all.map((row) => row.dataset.dag));
  const open = (dag) => mock.world.dags.get(dag).list;
  const groups = () => page.locator('.grid-row').evaluateAll((all) => all.map((row) => `${row.dataset.kind} ${row.dataset.id}`.replace('\n', ' ')));

  it('asks for a login, refuses a wrong one, and asks again when the token is no longer good', async () => {
    await page.click('text=Sign out');
    await page.fill('[name=username]', 'admin');
    await page.fill('[name=password]', 'wrong');
    await page.click('button[type=submit]');
    await page.waitForSelector('text=do not match');
    await page.fill('[name=password]', 'millrace');
    await page.click('button[type=submit]');
    await page.waitForSelector('.dag-table');
    mock.forgetTokens();
    await page.click('text=daily_flights');
    await page.waitForSelector('.login-card');
    assert.match(page.url(), /\/dags\/daily_flights$/);
    await page.fill('[name=username]', 'admin');
    await page.fill('[name=password]', 'millrace');
    await page.keyboard.press('Enter');
    await page.waitForSelector('h1:text("daily_flights")');
  });

  it('finds DAGs by text, tag and state, with the filter in the address', async () => {
    await page.keyboard.press('/');
    await page.keyboard.type('flig');
    await page.waitForFunction(() => document.querySelectorAll('.dag-table tbody tr').length === 1);
    assert.deepEqual(await rows(), ['daily_flights']);
    assert.match(page.url(), /search=flig/);
    await page.keyboard.press('Escape');
    await page.click('.tag-button:text-is("finance")');
    await page.waitForFunction(() => document.querySelectorAll('.dag-table tbody tr').length === 2);
    assert.deepEqual(await rows(), ['exchange_rates', 'invoice_export']);
    await page.click('.segments button:text("Paused")');
    await page.waitForFunction(() => document.querySelectorAll('.dag-table tbody tr').length === 1);
    await page.reload();
    await page.waitForSelector('.dag-table tbody tr');
    assert.deepEqual(await rows(), ['invoice_export']);
  });

  it('shows import errors with their place and what to write instead', async () => {
    const text = await page.locator('.import-errors').innerText();
    assert.match(text, /dags\/customer_scores\.yaml:14:11/);
    assert.match(text, /unknown task kind "mapredcue"/);
    assert.match(text, /did you mean "mapreduce"\?/);
  });

  it('pauses and unpauses a DAG', async () => {
    const paused = page.locator('tr[data-dag=crm_sync] [role=switch]');
    assert.equal(await paused.getAttribute('aria-checked'), 'true');
    await paused.click();
    await page.waitForSelector('tr[data-dag=crm_sync].is-paused');
    assert.equal(mock.world.dags.get('crm_sync').paused, true);
    await paused.click();
    await page.waitForSelector('tr[data-dag=crm_sync]:not(.is-paused)');
    assert.equal(mock.world.dags.get('crm_sync').paused, false);
  });

  it('makes DAGs favorites by their star or by a key, lists only those, and takes the mark away on the page of one', async () => {
    const starred = (dag) => page.locator(`tr[data-dag=${dag}] .star`).getAttribute('aria-pressed');
    assert.equal(await starred('crm_sync'), 'false');
    await page.click('tr[data-dag=crm_sync] .star');
    await page.waitForSelector('tr[data-dag=crm_sync] .star[aria-pressed=true]');
    assert.equal(mock.world.dags.get('crm_sync').favorite, true);
    await page.focus('tr[data-dag=daily_flights] a.dag-name');
    await page.keyboard.press('s');
    await page.waitForSelector('tr[data-dag=daily_flights] .star[aria-pressed=true]');
    await page.keyboard.press('f');
    await page.waitForFunction(() => document.querySelectorAll('.dag-table tbody tr').length === 2);
    assert.deepEqual(await rows(), ['crm_sync', 'daily_flights']);
    assert.match(page.url(), /favorites=true/);
    await page.click('a.dag-name:text("daily_flights")');
    await page.waitForSelector('.dag-title .star[aria-pressed=true]');
    await page.keyboard.press('s');
    await page.waitForSelector('.dag-title .star[aria-pressed=false]');
    assert.equal(mock.world.dags.get('daily_flights').favorite, false);
    await page.goBack();
    await page.waitForFunction(() => document.querySelectorAll('.dag-table tbody tr').length === 1);
    await page.click('tr[data-dag=crm_sync] .star');
    await page.waitForSelector('text=No DAG matches');
    await page.click('button:text("Show all")');
    await page.waitForSelector('tr[data-dag=crm_sync] .star[aria-pressed=false]');
  });

  it('runs a DAG with params and a logical date, and shows it proceed to the end without a reload', async () => {
    await page.click('[aria-label="Run daily_flights"]');
    await page.fill('[name=threshold_minutes]', '1000');
    await page.waitForSelector('text=must be at most 600');
    assert.equal(await page.locator('.dialog button[type=submit]').isDisabled(), true);
    await page.fill('[name=threshold_minutes]', '30');
    await page.fill('[name=logical_date]', '2001-05-17');
    await page.click('.dialog button:text("JSON")');
    assert.deepEqual(JSON.parse(await page.inputValue('[name=conf]')), {threshold_minutes: 30, publish: true, region: 'all'});
    mock.world.hold('extract');
    await page.click('.dialog button[type=submit]');
    await page.waitForSelector('.task-card[data-task=extract][data-state=running]');
    mock.world.release('extract');
    await page.waitForSelector('.run-pane .badge[data-state=success]');
    assert.equal(await page.locator('.task-card[data-state=success]').count(), 6);
    const run = mock.world.dags.get('daily_flights').list.at(-1);
    assert.equal(run.id, 'manual__2001-05-17T00:00:00.000+00:00');
    assert.equal(run.conf.threshold_minutes, 30);
  });

  it('moves through the grid with the keyboard and opens a task instance', async () => {
    await page.goto(`${mock.url}/dags/daily_flights`);
    await page.locator('.cell[tabindex="0"]').first().focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowLeft');
    await page.waitForFunction(() => document.activeElement?.getAttribute('aria-label')?.startsWith('quality, '));
    await page.keyboard.press('Enter');
    await page.waitForSelector('h1:text("quality")');
    await page.keyboard.press('u');
    await page.waitForSelector('h1:text("daily_flights")');
  });

  it('keeps a DAG of 1,000 tasks light: only rows in view are in the document, and the end can be reached', async () => {
    await page.goto(`${mock.url}/dags/warehouse_rebuild`);
    await page.waitForSelector('.grid-row');
    await page.waitForSelector('.picture-task');
    assert.ok((await page.locator('.grid-row').count()) < 80);
    await page.evaluate(() => (document.querySelector('.grid-box').scrollTop = 1e9));
    await page.waitForSelector('.grid-row[data-row="999"]');
    await page.fill('[aria-label="Search tasks"]', 'clean_041');
    await page.waitForFunction(() => document.querySelectorAll('.grid-row').length === 1);
    await page.fill('[aria-label="Search tasks"]', '');
    await page.click('.grid-bar:has(.s-failed)');
    await page.click('.grid-legend button:text-is("failed")');
    await page.waitForFunction(() => document.querySelectorAll('.grid-row').length === 1);
    await page.waitForSelector('.grid-row >> text=clean_041');
  });

  it('shows a year of days by the state of their runs, what is planned lighter, and the runs of a day', async () => {
    const [run] = open('daily_flights').filter((one) => one.state === 'failed');
    const day = new Date(run.logical).toISOString().slice(0, 10);
    await page.goto(`${mock.url}/dags/daily_flights/calendar?day=${day}`);
    await page.waitForSelector(`.day[data-day="${day}"][data-state=failed]`);
    assert.equal(await page.locator('.calendar .day').count(), 365);
    const fine = new Set(open('daily_flights').filter((one) => one.state === 'success').map((one) => new Date(one.logical).toISOString().slice(0, 10)));
    assert.equal(await page.locator('.day[data-state=success]').count(), fine.size);
    assert.match(await page.locator('.calendar-day').innerText(), /1 failed/);
    await page.locator(`.day[data-day="${day}"]`).focus();
    await page.keyboard.press('ArrowUp');
    const before = new Date(run.logical - 7 * 86_400_000).toISOString().slice(0, 10);
    await page.waitForFunction((wanted) => document.activeElement?.dataset.day === wanted, before);
    await page.waitForSelector('.calendar-day .badge[data-state=success]');
    await page.keyboard.press('g');
    await page.waitForSelector('h2:text("February 2001")');
    assert.equal(await page.locator('.calendar .day').count(), 28);
    await page.keyboard.press(']');
    await page.waitForSelector('h2:text("March 2001")');
    await page.keyboard.press('.');
    await page.click('.segments button:text("Year")');
    await page.waitForSelector('.day[data-state=planned]');
    const tomorrow = await page.locator('.day[data-state=planned]').first().getAttribute('aria-label');
    assert.match(tomorrow, /1 planned/);
    await page.goto(`${mock.url}/dags/daily_flights/calendar?day=${day}`);
    await page.click('.day-list a');
    await page.waitForSelector('.run-pane .badge[data-state=failed]');
  });

  it('shows what checks found over the runs, and the value of one', async () => {
    await page.goto(`${mock.url}/dags/daily_flights/checks`);
    await page.waitForSelector('tr[data-check="quality row_count > 0"] .check-cell.check-failed');
    assert.equal(await page.locator('.check-table tbody tr').count(), 4);
    assert.match(await page.locator('.check-panel h3').innerText(), /row_count > 0|range/);
    await page.click('tr[data-check="quality range(delay, -120, 2000)"] .check-name');
    await page.waitForSelector('.check-panel >> text=12 rows beyond, threshold 10');
    assert.ok((await page.locator('.check-point.check-warned').count()) > 1);
    await page.click('.checks-page .segments button:text("50")');
    await page.click('tr[data-check="quality row_count > 0"] .check-cell.check-failed');
    await page.waitForSelector('h1:text("quality")');
    await page.goto(`${mock.url}/dags/crm_sync`);
    await page.waitForSelector('.grid-row');
    assert.equal(await page.locator('nav[aria-label="Of this DAG"] >> text=Checks').count(), mock.world.dags.get('crm_sync').tasks.some((task) => ['check', 'mapreduce'].includes(task.kind)) ? 1 : 0);
  });

  it('draws how long runs and chosen tasks took, and how late they landed, with the choice in the address', async () => {
    await page.goto(`${mock.url}/dags/daily_flights`);
    await page.click('nav[aria-label="Of this DAG"] >> text=Durations');
    await page.waitForSelector('.durations-chart');
    const drawn = () => page.locator('polyline.durations-series').evaluateAll((all) => [...new Set(all.map((line) => line.dataset.series))]);
    assert.deepEqual(await drawn(), ['~', 'delays', 'extract', 'rollup']);
    assert.equal(await page.locator('.durations-run').count(), 25);
    // Where the run failed at `quality`, nothing behind it has a length: the line is interrupted, and the failed run is marked.
    assert.equal(await page.locator('polyline[data-series=delays]').count(), 3);
    assert.equal(await page.locator('.durations-point[data-series="~"][data-failed]').count(), 2);
    assert.match(await page.locator('.durations-run').first().getAttribute('title'), /Whole run: [\d.]+ s[\s\S]*delays: [\d.]+ s/);
    for (const name of ['delays', 'extract', 'rollup']) await page.uncheck(`[aria-label="Draw ${name}"]`);
    await page.waitForSelector('.durations-median', {state: 'attached'});
    await page.check('[aria-label="Draw quality"]');
    assert.match(page.url(), /tasks=%7E%2Cquality|tasks=~%2Cquality/);
    const median = await page.locator('tr[data-series="~"] td').nth(2).innerText();
    await page.keyboard.press('g');
    await page.waitForSelector('h2:text("How long after it was due")');
    assert.notEqual(await page.locator('tr[data-series="~"] td').nth(2).innerText(), median);
    await page.reload();
    await page.waitForSelector('.durations-chart[aria-label="Landing times"]');
    assert.deepEqual(await drawn(), ['~', 'quality']);
    await page.click('.durations-point[data-series=quality][data-failed]');
    await page.waitForSelector('h1:text("quality")');
    await page.goto(`${mock.url}/dags/backup_verify/durations`);
    await page.waitForSelector('text=No run has ended yet');
    await page.goto(`${mock.url}/dags/warehouse_rebuild/durations`);
    await page.fill('[aria-label="Search tasks"]', 'clean_041');
    await page.check('[aria-label="Draw clean_041"]');
    await page.waitForSelector('polyline[data-series=clean_041]');
    assert.ok((await page.locator('.durations-table tbody tr').count()) <= 100);
  });

  it('shows what all DAGs did over the last hours, who waits for slots and who is there', async () => {
    mock.world.hold('join');
    mock.world.start(mock.world.dags.get('ml_features'), {logical_date: null, conf: {}}, 'admin');
    await page.keyboard.press('6');
    await page.waitForSelector('.activity-card[data-what=runs] [data-now=running]:has-text("1 running")');
    await page.waitForSelector('.activity-card[data-what=task_instances] [data-now=running]');
    assert.equal(await page.locator('.activity-card[data-what=runs] .activity-column').count(), 48);
    const sums = async () => (await page.locator('.activity-card[data-what=runs] .activity-sum').innerText()).replaceAll(/\s+/g, ' ');
    const ended = (hours) => [...mock.world.dags.values()].flatMap((dag) => dag.list).filter((run) => ['success', 'failed'].includes(run.state) && run.end > Date.now() - hours * 3_600_000).length;
    assert.ok((await sums()).startsWith(`${ended(24)} ended`), await sums());
    await page.click('.segments button:text-is("1 h")');
    await page.waitForFunction(() => document.querySelectorAll('.activity-card[data-what=runs] .activity-column').length === 30);
    assert.ok((await sums()).startsWith(`${ended(1)} ended`), await sums());
    assert.match(page.url(), /hours=1/);
    assert.match(await page.locator('tr[data-pool=warehouse]').innerText(), /4 of 4[\s\S]*7 waiting/);
    assert.match(await page.locator('tr[data-worker=worker-2]').innerText(), /draining/);
    await page.click('[data-now=running] a');
    await page.waitForSelector('h1:text("Runs")');
    assert.match(page.url(), /state=running/);
    mock.world.release('join');
  });

  it('shows what ran when over all DAGs, by DAG, pool and worker, and goes back in time', async () => {
    mock.world.hold('join');
    mock.world.start(mock.world.dags.get('ml_features'), {logical_date: null, conf: {}}, 'admin');
    await page.goto(`${mock.url}/timeline`);
    await page.waitForSelector('.timeline-row[data-group=ml_features] .timeline-bar[data-task=join].s-running');
    const names = () => page.locator('.timeline-row[data-first]').evaluateAll((all) => all.map((row) => row.dataset.group));
    assert.ok((await names()).includes('crm_sync'));
    await page.fill('[aria-label="Search DAGs and tasks"]', 'ml_feat');
    await page.waitForFunction(() => [...document.querySelectorAll('.timeline-row')].every((row) => row.dataset.group === 'ml_features'));
    assert.deepEqual(await names(), ['ml_features']);
    await page.fill('[aria-label="Search DAGs and tasks"]', '');
    await page.keyboard.press('Escape');
    await page.keyboard.press('g');
    await page.waitForSelector('.timeline-row[data-group=warehouse]');
    assert.deepEqual(await names(), ['default_pool', 'warehouse']);
    assert.match(await page.locator('.timeline-row[data-group=warehouse][data-first] .timeline-name').innerText(), /\d+ slots?/);
    await page.keyboard.press('g');
    await page.waitForSelector('.timeline-row[data-group=worker-1]');
    await page.keyboard.press('g');
    await page.keyboard.press('[');
    await page.waitForFunction(() => location.search.includes('until='));
    await page.waitForSelector('.timeline-row[data-group=crm_sync]');
    await page.waitForSelector('.timeline-bar.s-running', {state: 'detached'});
    await page.reload();
    await page.waitForSelector('.timeline-row[data-group=crm_sync]');
    await page.keyboard.press('.');
    await page.waitForSelector('.timeline-bar[data-task=join].s-running');
    await page.click('.timeline-bar[data-task=join].s-running');
    await page.waitForSelector('h1:text("join")');
    mock.world.release('join');
  });

  it('shows when tasks waited and when they worked, with groups and mapped tasks that open', async () => {
    await page.goto(`${mock.url}/dags/regional_sales`);
    await page.waitForSelector('.task-card');
    await page.keyboard.press('g');
    await page.waitForSelector('.gantt-row[data-id=report] [data-bar=running]');
    const box = async (row, bar) => page.locator(`.gantt-row[data-id="${row}"] [data-bar=${bar}]`).boundingBox();
    const [queued, running, next] = [await box('list_shops', 'queued'), await box('list_shops', 'running'), await box('report', 'running')];
    assert.ok(Math.abs(queued.x + queued.width - running.x) < 2);
    assert.ok(next.x > running.x + running.width);
    const rows = await page.locator('.gantt-row').count();
    await page.click('.gantt-row[data-id="stage.fetch"] .grid-toggle');
    await page.waitForFunction((count) => document.querySelectorAll('.gantt-row').length === count + 12, rows);
    await page.click('.gantt-row[data-id="stage"] .grid-toggle');
    await page.waitForFunction(() => document.querySelectorAll('.gantt-row').length === 3);
    await page.evaluate(() => localStorage.removeItem('millrace.open.regional_sales'));
    await page.goto(`${mock.url}/dags/warehouse_rebuild?view=gantt`);
    await page.waitForSelector('.gantt-row');
    assert.ok((await page.locator('.gantt-row').count()) < 80);
    await page.keyboard.press('g');
    await page.waitForSelector('.picture-task');
  });

  it('lists task groups as rows that open and close, in the grid and in the graph at once', async () => {
    await page.goto(`${mock.url}/dags/regional_sales`);
    await page.waitForSelector('.group-box[data-group="stage.checks"]');
    assert.deepEqual((await groups()).slice(0, 4), ['task list_shops', 'group stage', 'task stage.create_schema', 'task stage.fetch']);
    assert.equal(await page.locator('.grid-row[data-id="stage.checks.rows"] .grid-name').innerText(), 'rows');
    const box = (selector) => page.locator(selector).boundingBox();
    const [outer, inner] = [await box('.group-box[data-group=stage]'), await box('.task-card[data-task="stage.checks.rows"]')];
    assert.ok(inner.x > outer.x && inner.y > outer.y && inner.x + inner.width < outer.x + outer.width && inner.y + inner.height < outer.y + outer.height);
    await page.click('.grid-row[data-id=stage] .grid-toggle');
    await page.waitForSelector('.group-card[data-group=stage]');
    assert.deepEqual(await groups(), ['task list_shops', 'group stage', 'task report']);
    assert.match(await page.locator('.grid-row[data-id=stage] .grid-count').innerText(), /16/);
    await page.waitForSelector('.react-flow__edge-text >> text=rows > 0');
    await page.reload();
    await page.waitForSelector('.group-card[data-group=stage]');
    await page.keyboard.press('e');
    await page.waitForSelector('.group-box[data-group="stage.checks"]');
  });

  it('shows a mapped task as one row with its states, opens it to its instances, and an instance to its log', async () => {
    await page.goto(`${mock.url}/dags/regional_sales`);
    const row = page.locator('.grid-row[data-id="stage.fetch"]');
    await row.locator('.cell-mixed.s-failed').hover();
    assert.match(await row.locator('.cell-mixed').getAttribute('title'), /1 failed, 11 success/);
    await page.click(`.grid-bar[aria-label*="${open('regional_sales')[6].id}"]`);
    await page.click('[aria-label="Open stage.fetch"]');
    await page.waitForSelector('.grid-row[data-kind=instance] .cell.s-failed');
    assert.equal(await page.locator('.grid-row[data-kind=instance]').count(), 12);
    await row.locator('.cell-mixed').click();
    await page.waitForSelector('h1:text("stage.fetch")');
    assert.equal(await page.locator('a.mapped-row').count(), 12);
    await page.click('.mapped-head button:has-text("1 failed")');
    await page.click('a.mapped-row');
    await page.waitForSelector('h1:text("stage.fetch [4]")');
    assert.match(page.url(), /tasks\/stage\.fetch\?map=4$/);
    await page.waitForSelector('.log-line[data-level=error]');
    await page.keyboard.press('.');
    await page.waitForSelector('h1:text("stage.fetch [5]")');
    await page.click('[role=tab]:text("XComs")');
    await page.waitForSelector('[data-xcom=rows] >> text=226');
    assert.match(await page.locator('[data-xcom=return_value]').innerText(), /<b>part-1<\/b>/);
    await page.click('[role=tab]:text("State")');
    assert.match(await page.locator('[data-state=job_id]').innerText(), /<b>17<\/b>/);
    await page.keyboard.press('u');
    await page.waitForSelector('.mapped-row');
  });

  it('counts the instances of a mapped task while they run', async () => {
    await page.goto(`${mock.url}/dags/regional_sales`);
    await page.waitForSelector('.live-live');
    mock.world.hold('stage.fetch');
    await page.keyboard.press('t');
    await page.fill('[name=month]', '2001-03');
    await page.click('.dialog button[type=submit]');
    await page.waitForSelector('.task-card[data-task="stage.fetch"][data-state=running] >> text=0 of 12');
    mock.world.release('stage.fetch');
    await page.waitForSelector('.task-card[data-task="stage.fetch"][data-state=success] >> text=12 of 12');
    await page.waitForSelector('.run-pane .badge[data-state=success]');
  });

  it('draws a thousand tasks as one picture from far away, whose parts can be clicked, and as cards from near', async () => {
    await page.goto(`${mock.url}/dags/warehouse_rebuild`);
    await page.waitForSelector('.picture-task[data-id=start]');
    assert.equal(await page.locator('.picture-task').count(), 1000);
    assert.equal(await page.locator('.react-flow__node').count(), 0);
    const graph = await page.locator('.graph').boundingBox();
    await page.mouse.move(graph.x + graph.width / 2, graph.y + graph.height / 2);
    for (let turn = 0; turn < 40 && (await page.locator('.task-card').count()) === 0; turn++) await page.click('.react-flow__controls-zoomin');
    await page.waitForSelector('.task-card .task-card-name');
    assert.ok((await page.locator('.react-flow__node').count()) < 400);
    assert.equal(await page.locator('.picture-task').count(), 0);
    await page.click('.react-flow__controls-fitview');
    await page.click('.picture-task[data-id=start]');
    await page.waitForSelector('h1:text("start")');
  });

  it('follows a log while the task runs', async () => {
    await page.goto(`${mock.url}/dags/ml_features`);
    await page.waitForSelector('.task-card');
    mock.world.hold('join');
    await page.keyboard.press('t');
    await page.click('.dialog button[type=submit]');
    await page.waitForSelector('.task-card[data-task=join][data-state=running]');
    await page.click('.task-card[data-task=join]');
    await page.waitForSelector('.log-live');
    await page.waitForSelector('.log-line >> text=plan: 4 splits');
    await page.waitForSelector('.log-line >> text=publish lake/gold/');
    await page.waitForSelector('.log-live');
    mock.world.release('join');
    await page.waitForSelector('.task-head .badge[data-state=success]');
    await page.waitForSelector('.log-live', {state: 'detached'});
  });

  it('shows 100,000 lines with a hundred in the document, as text and not as markup, and finds one', async () => {
    await page.goto(`${mock.url}/dags/retention_cleanup`);
    await page.click('.grid-row[data-row="1"] .cell.s-success >> nth=-1');
    await page.waitForFunction(() => document.querySelector('.log-end')?.textContent?.includes('100\u202F000 lines'));
    await page.waitForSelector('.log-line >> text=part-099999.parquet <b>&amp;</b>');
    assert.ok((await page.locator('.log-line').count()) < 150);
    assert.equal(await page.locator('.log-box b').count(), 0);
    await page.keyboard.press('/');
    await page.keyboard.type('part-012345');
    await page.waitForSelector('.log-found >> text=1 of 1');
    await page.keyboard.press('Enter');
    await page.waitForSelector('.log-line[data-current] mark');
  });

  it('shows the report of a job: stages, partitions, rows, bytes, decisions', async () => {
    await page.goto(`${mock.url}/dags/daily_flights`);
    await page.waitForSelector('.cell.s-success');
    await page.click('.grid-row[data-row="2"] .cell.s-success >> nth=0');
    await page.click('[role=tab]:text("Job")');
    await page.waitForSelector('.stage-table');
    assert.equal(await page.locator('.stage-table tbody tr').count(), 4);
    assert.equal(await page.locator('.partition').count(), 8);
    assert.equal(await page.locator('.lane-bar').count(), 15);
    assert.match(await page.locator('.job').innerText(), /846 rows, 38\.1 kB[\s\S]*16\u202F384[\s\S]*the author asked for 8 partitions/);
  });

  it('keeps up by polling while events are down, says so, and goes live again', async () => {
    await page.goto(`${mock.url}/dags/daily_flights`);
    await page.waitForSelector('.live-live');
    mock.setEvents(false);
    await page.waitForSelector('.live-polling');
    const dag = mock.world.dags.get('daily_flights');
    mock.world.start(dag, {logical_date: '2001-06-01T00:00:00Z', conf: {}}, 'somebody');
    await page.waitForSelector('[data-run="manual__2001-06-01T00:00:00.000+00:00"].s-success');
    mock.setEvents(true);
    await page.waitForSelector('.live-live', {timeout: 30_000});
  });

  it('gives its live stream back while nobody sees the page, and is up to date when somebody does again', async () => {
    await page.goto(`${mock.url}/dags/daily_flights`);
    await page.waitForSelector('.live-live');
    const show = (hidden) => page.evaluate((value) => {
      Object.defineProperty(document, 'hidden', {configurable: true, get: () => value});
      document.dispatchEvent(new Event('visibilitychange'));
    }, hidden);
    await show(true);
    for (const until = Date.now() + 20_000; mock.world.streams.size > 0 && Date.now() < until; ) await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(mock.world.streams.size, 0);
    mock.world.start(mock.world.dags.get('daily_flights'), {logical_date: '2001-06-02T00:00:00Z', conf: {}}, 'somebody');
    await show(false);
    await page.waitForSelector('.live-live');
    await page.waitForSelector('.grid-row [data-run="manual__2001-06-02T00:00:00.000+00:00"].s-success');
  });

  it('asks for each thing at most once a second while thousands of transitions arrive', async () => {
    await page.goto(`${mock.url}/dags/warehouse_rebuild`);
    await page.waitForSelector('.live-live');
    await page.waitForSelector('.picture-task');
    const dag = mock.world.dags.get('warehouse_rebuild');
    mock.world.requests.length = 0;
    const begin = Date.now();
    const run = mock.world.start(dag, {logical_date: null, conf: {}}, 'somebody');
    for (let round = 0; round < 40; round++) {
      for (const task of dag.tasks.slice(0, 100)) mock.world.tell(dag, run, task.id);
      await page.waitForTimeout(50);
    }
    const seconds = (Date.now() - begin) / 1000;
    mock.world.cancel(dag, run);
    const grids = mock.world.requests.filter((request) => request.path.endsWith('/grid')).length;
    assert.ok(grids >= 1 && grids <= seconds + 2, `${grids} grid requests in ${seconds} s`);
  });

  it('tells all keys, and none of them works while a dialog is open', async () => {
    await page.goto(`${mock.url}/dags/daily_flights`);
    await page.waitForSelector('.grid-row');
    await page.keyboard.press('?');
    await page.waitForSelector('.keys');
    await page.keyboard.press('u');
    assert.match(page.url(), /daily_flights/);
    await page.keyboard.press('Escape');
    await page.keyboard.press('u');
    await page.waitForSelector('.dag-table');
  });

  it('switches between light, dark and the system\'s theme, and remembers', async () => {
    const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await ground();
    await page.keyboard.press('d');
    assert.equal(await ground(), light);
    await page.keyboard.press('d');
    const dark = await ground();
    assert.notEqual(dark, light);
    await page.reload();
    await page.waitForSelector('.shell');
    assert.equal(await ground(), dark);
    await page.evaluate(() => localStorage.clear());
  });

  it('says what is wrong when a DAG does not exist, and when a page does not', async () => {
    await page.goto(`${mock.url}/dags/no_such_dag`);
    await page.waitForSelector('text=The DAG with ID: `no_such_dag` was not found');
    await page.goto(`${mock.url}/nowhere`);
    await page.waitForSelector('text=There is no such page');
  });
});
