// What one does with the pages: run, mark, clear, backfill, answer, administer: driven in Chromium against the stand-in.
import assert from 'node:assert/strict';
import {it} from 'node:test';
import {describePages} from './page_suite.mjs';

let mock;
let page;

describePages('the dashboard does', (started) => ({mock, page} = started), () => {
  const open = (dag) => mock.world.dags.get(dag).list;

  it('cancels a run after asking, and retries what failed', async () => {
    await page.goto(`${mock.url}/dags/ml_features`);
    await page.waitForSelector('.task-card');
    mock.world.hold('join');
    await page.keyboard.press('t');
    await page.click('.dialog button[type=submit]');
    await page.waitForSelector('.task-card[data-task=join][data-state=running]');
    await page.click('text=Cancel run');
    await page.click('.dialog button[type=submit]:text("Cancel the run")');
    await page.waitForSelector('.run-pane .badge[data-state=failed]');
    assert.equal(mock.world.dags.get('ml_features').list.at(-1).state, 'failed');
    await page.click('text=Retry failed');
    await page.waitForSelector('.task-card[data-task=join][data-state=running]');
    mock.world.release('join');
  });

  it('makes a form of the params: each kind of field, what is wrong beside it, also what the scheduler finds', async () => {
    await page.goto(`${mock.url}/dags/regional_sales`);
    await page.waitForSelector('.grid-row');
    await page.keyboard.press('t');
    const problem = (name) => page.locator(`[data-param=${name}] .field-problem`);
    const run = page.locator('.dialog button[type=submit]');
    assert.deepEqual(await page.locator('.form-section > legend').allInnerTexts(), ['What', 'Mail']);
    assert.equal(await problem('month').innerText(), 'must be given');
    assert.equal(await run.isDisabled(), true);
    await page.fill('[name=month]', '2001-3');
    assert.match(await problem('month').innerText(), /must match the pattern/);
    await page.fill('[name=month]', '2001-03');
    await page.fill('[name=shops]', '');
    assert.equal(await problem('shops').innerText(), 'must have at least 1 entry');
    await page.fill('[name=shops]', 'XXX');
    await page.check('[name="columns.shop"]');
    await page.fill('[name=since]', '2001-02-03');
    await page.fill('[name=text]', 'one\ntwo');
    await run.click();
    await page.waitForSelector('[data-param=shops] .field-problem >> text=[0] is no shop');
    await page.waitForSelector('[data-param=text] .field-problem >> text=is too sad');
    await page.click('.dialog button:text("JSON")');
    const conf = JSON.parse(await page.inputValue('[name=conf]'));
    assert.deepEqual(conf, {month: '2001-03', shops: ['XXX'], columns: ['day', 'shop'], since: '2001-02-03', text: 'one\ntwo'});
    await page.fill('[name=conf]', JSON.stringify({...conf, shops: ['x']}));
    await page.waitForSelector('.field-problem >> text=shops [0]: must match the pattern');
    await page.fill('[name=conf]', JSON.stringify({...conf, shops: ['MUC']}));
    await page.click('.dialog button:text("Parameters")');
    assert.equal(await page.inputValue('[name=shops]'), 'MUC');
    await page.click('.form-more summary');
    await page.fill('[name=dag_run_id]', 'by hand');
    await page.waitForSelector('.field-problem >> text=Letters, digits');
    await page.fill('[name=dag_run_id]', 'by_hand');
    await page.fill('[name=note]', 'asked for by sales');
    await run.click();
    await page.waitForSelector('.run-id:text("by_hand")');
    await page.waitForSelector('.run-head >> text=asked for by sales');
    assert.deepEqual(open('regional_sales').at(-1).conf.columns, ['day', 'shop']);
    await page.click('text=Run with it…');
    assert.equal(await page.inputValue('[name=shops]'), 'MUC');
    assert.equal(await page.isChecked('[name="columns.shop"]'), true);
  });

  it('marks an instance after showing what is selected, and a whole run', async () => {
    const run = open('regional_sales')[6];
    await page.goto(`${mock.url}/dags/regional_sales/runs/${encodeURIComponent(run.id)}/tasks/stage.fetch?map=4`);
    await page.click('text=Mark…');
    await page.waitForSelector('.selection-sum >> text=1 task instance');
    await page.click('.dialog button:text("Mark failed")');
    await page.waitForSelector('.selection-sum >> text=All of it is failed already.');
    assert.equal(await page.locator('.dialog button[type=submit]').isDisabled(), true);
    await page.check('[name=downstream]');
    await page.waitForSelector('.clear-list li:has-text("report")');
    await page.uncheck('[name=downstream]');
    await page.click('.dialog .segments button:text("Mark success")');
    await page.waitForSelector('.clear-list li:has-text("stage.fetch [4]")');
    await page.click('.dialog button[type=submit]');
    await page.waitForSelector('.task-head .badge[data-state=success]');
    assert.equal(run.cells.get('stage.fetch').parts[4].state, 'success');
    await page.goto(`${mock.url}/dags/regional_sales?run=${encodeURIComponent(run.id)}`);
    await page.click('text=Change…');
    await page.waitForSelector('.clear-list li:has-text("report")');
    await page.click('.dialog .segments button:text("Mark success")');
    await page.click('.dialog button[type=submit]');
    await page.waitForSelector('.run-pane .badge[data-state=success]');
    assert.equal(run.state, 'success');
  });

  it('keeps a note at a run and at a task instance', async () => {
    const run = open('word_count')[0];
    await page.goto(`${mock.url}/dags/word_count?run=${encodeURIComponent(run.id)}`);
    await page.click('.run-head [aria-label="Write a note"]');
    await page.fill('[name=note]', 'looked at it <b>twice</b>');
    await page.click('.dialog button[type=submit]');
    await page.waitForSelector('.run-head .note-text:text("looked at it <b>twice</b>")');
    await page.click('.task-card[data-task=compare]');
    await page.click('.task-side [aria-label="Write a note"]');
    await page.fill('[name=note]', 'fine');
    await page.click('.dialog button[type=submit]');
    await page.waitForSelector('.task-side .note-text:text("fine")');
    assert.equal(run.cells.get('compare').note, 'fine');
  });

  it('deletes a run only when it is over, and says what that loses', async () => {
    const run = open('word_count').at(-1);
    await page.goto(`${mock.url}/dags/word_count?run=${encodeURIComponent(run.id)}`);
    await page.click('text=Change…');
    await page.click('.dialog .segments button:text("Delete")');
    await page.waitForSelector('text=This cannot be undone');
    await page.click('.dialog button[type=submit]');
    await page.waitForFunction((id) => !document.querySelector(`[data-run="${CSS.escape(id)}"]`) && document.querySelector('.run-pane .badge'), run.id);
    assert.equal(open('word_count').includes(run), false);
  });

  it('shows why a task waits and clears one with what depends on it', async () => {
    await page.goto(`${mock.url}/dags/daily_flights`);
    await page.click('.cell.s-upstream_failed');
    await page.waitForSelector('.why');
    assert.match(await page.locator('.why').innerText(), /has to succeed first/);
    await page.goBack();
    await page.click('.cell.s-failed >> nth=-1');
    await page.waitForSelector('h1:text("quality")');
    await page.waitForSelector('.log-line[data-level=error]');
    await page.click('button:text("Retry…")');
    await page.waitForFunction(() => document.querySelectorAll('.clear-list li').length === 5);
    await page.click('.dialog button[type=submit]');
    await page.waitForSelector('.task-head .badge[data-state=success]');
    assert.equal(await page.locator('.attempts button').count(), 4);
  });

  it('starts a backfill after a dry run, shows its progress, pauses and cancels it', async () => {
    await page.goto(`${mock.url}/dags/daily_flights/backfills`);
    await page.waitForSelector('text=No backfill yet');
    await page.keyboard.press('b');
    await page.fill('[name=from_date]', '2001-03-31');
    await page.fill('[name=to_date]', '2001-03-01');
    await page.waitForSelector('text=ends before it begins');
    await page.fill('[name=from_date]', '2000-03-01');
    await page.waitForSelector('.selection-sum >> text=366 dates');
    await page.waitForSelector('.clear-list >> text=2000-03-01, 2000-03-02, 2000-03-03 … 2001-03-01');
    await page.click('.dialog button:text("All")');
    await page.check('[name=run_backwards]');
    await page.waitForSelector('.clear-list >> text=2001-03-01, 2001-02-28');
    await page.click('.dialog button[type=submit]');
    await page.waitForSelector('tr[data-backfill] .badge[data-state=running]');
    await page.waitForFunction(() => /^[1-9]/.test(document.querySelector('.progress-line .number').textContent));
    await page.click('[aria-label="Pause backfill 1"]');
    await page.waitForSelector('.badge[data-state=paused]');
    await page.keyboard.press('2');
    await page.waitForSelector('h1:text("Backfills")');
    assert.match(await page.locator('tr[data-backfill="1"]').innerText(), /daily_flights[\s\S]*all runs again, 4 at a time, backwards/);
    await page.click('[aria-label="Resume backfill 1"]');
    await page.waitForSelector('.badge[data-state=running]');
    await page.click('[aria-label="Cancel backfill 1"]');
    await page.waitForSelector('.badge[data-state=cancelled]');
    await page.keyboard.press('n');
    await page.fill('[name=dag_id]', 'word_count');
    await page.fill('[name=from_date]', '2001-03-01');
    await page.fill('[name=to_date]', '2001-03-02');
    await page.waitForSelector('.dialog .notice-error >> text=has no schedule');
  });

  it('shows how full pools are, and changes, makes and deletes them', async () => {
    await page.keyboard.press('6');
    await page.waitForSelector('tr[data-pool=warehouse] .warn-text:text("7")');
    await page.click('[aria-label="Change warehouse"]');
    await page.fill('[name=slots]', 'many');
    await page.waitForSelector('text=A number of slots');
    await page.fill('[name=slots]', '12');
    await page.click('.dialog button[type=submit]');
    await page.waitForSelector('tr[data-pool=warehouse] >> text=12');
    await page.keyboard.press('n');
    await page.fill('[name=name]', 'warehouse');
    await page.click('.dialog button[type=submit]');
    await page.waitForSelector('.dialog .notice-error >> text=exists already');
    await page.fill('[name=name]', 'mail');
    await page.fill('[name=slots]', '-1');
    await page.click('.dialog button[type=submit]');
    await page.waitForSelector('tr[data-pool=mail] >> text=no limit');
    await page.click('[aria-label="Change mail"]');
    await page.click('.dialog button:text("Delete")');
    await page.waitForSelector('tr[data-pool=mail]', {state: 'detached'});
    await page.click('[aria-label="Change default_pool"]');
    assert.equal(await page.locator('.dialog button:text("Delete")').count(), 0);
  });

  it('shows where an asset comes from and goes to, and starts runs by an update', async () => {
    await page.keyboard.press('3');
    await page.waitForSelector('tr[data-asset=exchange_rates]');
    await page.keyboard.press('/');
    await page.keyboard.type('fligh');
    await page.waitForFunction(() => document.querySelectorAll('tr[data-asset]').length === 1);
    await page.click('tr[data-asset=flights_raw] a.strong');
    await page.waitForSelector('text=It has not been updated yet');
    assert.match(await page.locator('.lineage').innerText(), /daily_flights extract[\s\S]*flights_raw[\s\S]*ml_features[\s\S]*daily_flights delays/);
    await page.click('text=Mark updated…');
    await page.fill('[name=extra]', '[1]');
    await page.waitForSelector('.field-problem');
    await page.fill('[name=extra]', '{"rows": 3}');
    await page.click('.dialog button[type=submit]');
    await page.waitForSelector('tr[data-event] >> text={"rows":3}');
    await page.click('tr[data-event] .chip');
    await page.waitForSelector('h1:text("ml_features")');
  });

  it('shows the file of a DAG, its versions and what changed between two', async () => {
    await page.goto(`${mock.url}/dags/daily_flights/code`);
    await page.waitForSelector('.code-line >> text=minimum: 0');
    await page.click('[data-version="2"]');
    await page.waitForSelector('h2:text("Version 2")');
    await page.keyboard.press('x');
    await page.waitForSelector('.diff-sum >> text=from version 1 to 2');
    assert.deepEqual(await page.locator('.code-line[data-kind=removed] .code-text').allInnerTexts(), ['  threshold_minutes: {type: integer, default: 30}']);
    assert.equal(await page.locator('.code-line[data-kind=added]').count(), 2);
    await page.keyboard.press(']');
    await page.selectOption('[aria-label="Compare with"]', '2');
    await page.waitForSelector('text=The file is the same in both');
    await page.keyboard.press('v');
    await page.waitForSelector('.grid-row');
  });

  it('announces a question on every page, and its run goes on with the answer', async () => {
    const dag = mock.world.dags.get('release_gate');
    const run = mock.world.start(dag, {logical_date: null, conf: {}}, 'admin');
    await page.click('.bar-waits:has-text("1 approval")');
    await page.click('tr[data-approval=ok] a.button');
    await page.waitForSelector('.approval h2:text("Publish the prices?")');
    assert.match(await page.locator('.approval').innerText(), /Two rows changed\.[\s\S]*of ana/);
    assert.equal(await page.locator('.approval-options button:text("Approve")').isDisabled(), true);
    await page.fill('[name=reason]', 'bad');
    await page.click('.approval-options button:text("Approve")');
    await page.waitForSelector('[data-param=reason] .field-problem >> text=is no reason');
    await page.fill('[name=reason]', 'all checked');
    await page.click('.approval-options button:text("Approve")');
    await page.waitForSelector('.approval >> text=by admin');
    await page.waitForSelector('.task-head .badge[data-state=success]');
    await page.keyboard.press('4');
    await page.waitForSelector('text=Nothing waits for an answer');
    await page.click('.segments button:text("All")');
    await page.waitForSelector('tr[data-approval=ok] >> text=Approve');
    assert.deepEqual(mock.world.asked.at(-1).answer.values, {reason: 'all checked'});
    await page.goto(`${mock.url}/dags/release_gate?run=${encodeURIComponent(run.id)}`);
    await page.waitForSelector('.run-pane .badge[data-state=success]');
  });

  it('shows the workers, and on every page that a DAG file is broken', async () => {
    await page.keyboard.press('5');
    await page.waitForSelector('tr[data-worker=worker-2] .badge[data-state=draining]');
    assert.match(await page.locator('tr[data-worker=worker-1]').innerText(), /1 of 8[\s\S]*mill[\s\S]*gpu/);
    await page.click('.bar-errors');
    await page.waitForSelector('.import-errors');
  });

  it('makes, changes and deletes variables and connections, and shows no secret', async () => {
    await page.goto(`${mock.url}/variables`);
    await page.waitForSelector('tr[data-variable=api_token] >> text=***');
    await page.keyboard.press('n');
    await page.fill('[name=key]', 'region');
    await page.fill('[name=value]', 'south');
    await page.click('.dialog button[type=submit]');
    await page.waitForSelector('.dialog .notice-error >> text=exists already');
    await page.fill('[name=key]', 'country');
    await page.click('.dialog button[type=submit]');
    await page.waitForSelector('tr[data-variable=country] >> text=south');
    await page.click('[aria-label="Change country"]');
    await page.click('.dialog button:text("Delete")');
    await page.waitForSelector('tr[data-variable=country]', {state: 'detached'});
    await page.click('nav[aria-label=Administration] >> text=Connections');
    await page.waitForSelector('tr[data-connection=warehouse] >> text=db.example.com:5432');
    await page.click('[aria-label="Change warehouse"]');
    assert.equal(await page.inputValue('[name=password]'), '');
    await page.fill('[name=port]', '99999');
    await page.waitForSelector('text=A number from 1 to 65535');
    await page.fill('[name=port]', '5433');
    await page.fill('[name=extra]', '[]');
    assert.equal(await page.locator('.dialog button[type=submit]').isDisabled(), true);
    await page.fill('[name=extra]', '{}');
    await page.click('.dialog button[type=submit]');
    await page.waitForSelector('tr[data-connection=warehouse] >> text=db.example.com:5433');
    await page.click('nav[aria-label=Administration] >> text=Audit');
    await page.waitForSelector('tr[data-entry] >> text=create pool');
    await page.fill('[name=user]', 'ana');
    await page.waitForFunction(() => document.querySelectorAll('tr[data-entry]').length === 1);
    await page.click('tr[data-entry] a');
    await page.waitForSelector('h1:text("daily_flights")');
  });

  it('offers nothing that whoever is signed in may not do', async () => {
    mock.world.rights = {write: false, operate: false, administer: false};
    await page.goto(`${mock.url}/dags/daily_flights`);
    await page.waitForSelector('.run-pane .badge');
    await page.waitForSelector('nav[aria-label=Pages] >> text=Admin', {state: 'detached'});
    assert.equal(await page.locator('button:visible:has-text("Run…"), button:visible:has-text("Change…")').count(), 0);
    assert.equal(await page.locator('.dag-head [role=switch]').isDisabled(), true);
    await page.keyboard.press('t');
    await page.keyboard.press('c');
    assert.equal(await page.locator('.dialog').count(), 0);
    await page.click('.cell.s-success >> nth=0');
    await page.waitForSelector('.log-line');
    assert.equal(await page.locator('text=Mark…').count(), 0);
  });
});
