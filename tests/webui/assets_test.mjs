// The graph of all assets: what is in it, what is up- and downstream of what, by mouse and by keyboard, small, large and empty.
import assert from 'node:assert/strict';
import {it} from 'node:test';
import {describePages} from './page_suite.mjs';

let mock;
let page;

describePages('the graph of all assets', (started) => ({mock, page} = started), () => {
  const card = (id) => page.locator(`[data-node="${id}"]`);
  const cards = () => page.locator('.node-card').count();
  const sides = () => page.$$eval('.node-card', (all) => Object.fromEntries(all.map((one) => [one.dataset.node, one.dataset.side ?? null])));

  it('is found from the list of assets, and shows each node with its kind and how it stands, not by colour alone', async () => {
    await page.keyboard.press('4');
    await page.waitForSelector('tr[data-asset=exchange_rates]');
    await page.keyboard.press('v');
    await page.waitForSelector('[data-node="dag:ml_features"]');
    assert.equal(await cards(), 14);
    assert.match(await card('dag:invoice_export').innerText(), /failed, paused/);
    assert.match(await card('dataset:features').innerText(), /updated\s+2 h ago/);
    assert.match(await card('dag:price_mail').innerText(), /not defined/);
    assert.match(await card('watch:1').innerText(), /arrivals\s+fails/);
    assert.equal(await page.getAttribute('.react-flow__node[data-id="dag:invoice_export"]', 'aria-label'), 'DAG invoice_export: failed, paused');
    await page.waitForSelector('.lone-dags:text("4 DAGs have to do with no other")');
    // One makes it and reads it: a single line, with an arrow at both ends.
    const both = page.locator('.react-flow__edge[aria-label="dag:daily_flights makes dataset:flights_raw, dataset:flights_raw is read by dag:daily_flights"] path').first();
    assert.ok(await both.getAttribute('marker-start'));
    assert.ok(await both.getAttribute('marker-end'));
    await page.click('.graph-legend summary');
    await page.waitForSelector('.graph-legend dd:text("reads it, without being started")');
  });

  it('marks what leads to a node and what it leads to, and leaves out the rest on demand', async () => {
    await page.goto(`${mock.url}/assets/1`);
    await page.click('.page-actions a:text("Graph")');
    await page.waitForSelector('[data-node="dataset:flights_raw"][data-side=self]');
    const around = await sides();
    assert.equal(around['watch:1'], 'upstream');
    assert.equal(around['dag:daily_flights'], 'both');
    assert.equal(around['dag:price_mail'], 'downstream');
    assert.equal(around['dag:crm_sync'], 'apart');
    assert.match(await card('dag:ml_features').innerText(), /downstream/);
    await page.keyboard.press('o');
    await page.waitForFunction(() => document.querySelectorAll('.node-card').length === 8);
    assert.match(page.url(), /only=1/);
    await page.click('.looked .segments button:has-text("Upstream")');
    await page.waitForFunction(() => document.querySelectorAll('.node-card').length === 4);
    await page.reload();
    await page.waitForFunction(() => document.querySelectorAll('.node-card').length === 4);
    await page.click('.looked button:text("Show all")');
    await page.waitForFunction(() => document.querySelectorAll('.node-card').length === 14);
    assert.equal(await page.locator('.looked').count(), 0);
  });

  it('finds a node by a part of its name, and leads to its page, all by the keyboard', async () => {
    await page.goto(`${mock.url}/assets/graph`);
    await page.waitForSelector('.node-card');
    await page.keyboard.press('/');
    await page.keyboard.type('feat');
    assert.deepEqual(await page.$$eval('[data-found]', (all) => all.map((one) => one.dataset.found)), ['dataset:features', 'dag:ml_features']);
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.waitForSelector('[data-centre="dag:ml_features"]');
    await page.keyboard.press('/');
    await page.keyboard.type('nowhere');
    await page.waitForSelector('.node-found:has-text("Nothing is called so")');
    await page.keyboard.press('Escape');
    await page.locator('.react-flow__node[data-id="dag:release_gate"]').focus();
    await page.keyboard.press(' ');
    await page.waitForSelector('[data-centre="dag:release_gate"]');
    await page.locator('.react-flow__node[data-id="dag:release_gate"]').focus();
    await page.keyboard.press('Enter');
    await page.waitForSelector('h1:text("release_gate")');
    await page.click('.dag-facts a:text("Dependencies")');
    await page.waitForSelector('[data-node="dag:release_gate"][data-side=self]');
    await page.click('[data-node="dataset:features"]');
    await page.waitForFunction(() => location.pathname === '/assets/3');
  });

  it('says so when a DAG has to do with nothing, and how assets are declared when there are none', async () => {
    await page.goto(`${mock.url}/assets/graph?node=dag:word_count`);
    await page.waitForSelector('.notice:has-text("The DAG word_count has to do with no asset and no other DAG")');
    await page.goto(`${mock.url}/assets/graph?node=dataset:gone`);
    await page.waitForSelector('.notice:has-text("Nothing is called dataset:gone")');
    mock.world.alone = true;
    await page.goto(`${mock.url}/assets/graph`);
    await page.waitForSelector('.empty:has-text("outlets: [orders]")');
    await page.click('text=The 12 DAGs there are');
    await page.waitForSelector('tr[data-dag=word_count]');
    mock.world.alone = false;
  });

  it('draws a thousand nodes from afar as one picture, and asks where to begin when there are more', async () => {
    mock.world.more = 960;
    await page.goto(`${mock.url}/assets/graph`);
    await page.waitForSelector('.picture-task[data-id="dag:tenant_0000"]');
    assert.equal(await cards(), 0);
    assert.equal(await page.locator('.picture-task').count(), 974);
    assert.equal(await page.locator('.picture-task[data-id="dag:tenant_0001"] title').textContent(), 'DAG tenant_0001: failed');
    await page.keyboard.press('/');
    await page.keyboard.type('tenant_0003');
    await page.keyboard.press('Enter');
    // Come closer to be read, with the cards in view.
    await page.waitForSelector('[data-node="dag:tenant_0003"][data-side=self]');
    assert.ok((await cards()) < 200, `${await cards()} cards`);
    mock.world.more = 3000;
    await page.goto(`${mock.url}/assets/graph`);
    await page.waitForSelector('.empty:has-text("3,014 DAGs and assets are more than one can read")');
    await page.click('.busiest button:has-text("flights_raw")');
    await page.waitForFunction(() => document.querySelectorAll('.node-card').length === 8);
    mock.world.more = 0;
  });

  it('shows a change of a state without moving, and asks again when runs end', async () => {
    const {list} = mock.world.dags.get('session_stats');
    await page.goto(`${mock.url}/assets/graph`);
    await page.waitForSelector('.live-live');
    await page.waitForSelector('[data-node="dag:session_stats"].s-success');
    const place = () => page.$eval('.react-flow__node[data-id="dag:session_stats"]', (one) => one.style.transform);
    const before = await place();
    list.at(-1).state = 'failed';
    mock.world.tell(mock.world.dags.get('session_stats'), list.at(-1), null);
    await page.waitForSelector('[data-node="dag:session_stats"].s-failed');
    assert.equal(await place(), before);
    list.at(-1).state = 'success';
  });
});
