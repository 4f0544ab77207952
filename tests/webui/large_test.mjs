// A thousand DAGs, and a grid of a thousand tasks by fifty runs: what is in the document and what is asked for stay small, however
// far one scrolls. Counts only: how long frames take is measured by tests/bench/frames.mjs.
import assert from 'node:assert/strict';
import {it} from 'node:test';
import {addMany, addWide} from './mock_server.mjs';
import {describePages} from './page_suite.mjs';

const kDags = 1000;
const kRuns = 50;
let mock;
let page;

function start(started) {
  ({mock, page} = started);
  addMany(mock.world, kDags);
  addWide(mock.world, kRuns);
}

describePages('the dashboard with very many', start, () => {
  const asked = (end) => mock.world.requests.filter(({path}) => path.endsWith(end));
  // Scrolls by steps to the end, and gives the most elements of each kind that were in the document at a time.
  const scroll = (box, step, selectors) => page.evaluate(async ([name, by, kinds]) => {
    const element = name === null ? document.scrollingElement : document.querySelector(name);
    const most = kinds.map(() => 0);
    for (let last = -1; element.scrollTop !== last; ) {
      last = element.scrollTop;
      element.scrollTop += by;
      await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
      kinds.forEach((kind, i) => (most[i] = Math.max(most[i], document.querySelectorAll(kind).length)));
    }
    return most;
  }, [box, step, selectors]);

  it('lists 1,000 DAGs with the rows in view, a request a page, and one for the last runs of those in view', async () => {
    await page.waitForSelector('.live-live');
    mock.world.requests.length = 0;
    await page.goto(mock.url);
    await page.waitForSelector('.run-dot');
    await page.waitForSelector(`text=${mock.world.dags.size} DAGs`);
    assert.equal(asked('/api/v2/dags').length, 1);
    assert.ok(asked('/recent_runs').length <= 2, `${asked('/recent_runs').length} requests for the last runs`);
    const last = page.locator('tr[data-dag=word_count]');
    let most = 0;
    // The list grows page by page while one scrolls: it ends when the last DAG is there.
    while ((await last.count()) === 0) {
      const [rows] = await scroll(null, 400, ['.dag-table tbody tr']);
      most = Math.max(most, rows);
    }
    assert.ok(most < 130, `${most} rows`);
    const pages = asked('/api/v2/dags').map(({query}) => new URLSearchParams(query).get('offset'));
    assert.equal(pages.length, new Set(pages).size, `a page was asked for twice: ${pages}`);
    assert.equal(pages.length, Math.ceil(mock.world.dags.size / 100));
    // Nothing is asked for each DAG.
    assert.deepEqual([...new Set(mock.world.requests.map(({path}) => path))].filter((path) => path.includes('tenant_')), []);
    const runs = asked('/recent_runs').length;
    assert.ok(runs <= (mock.world.dags.size * 55) / 400, `${runs} requests for the last runs`);
  });

  it('scrolls a grid of 1,000 tasks and 50 runs with the rows in view, and asks for the grid once', async () => {
    await page.goto(`${mock.url}/dags/wide`);
    await page.waitForSelector('.live-live');
    await page.waitForSelector('.grid-row');
    mock.world.requests.length = 0;
    await page.click('[aria-label="Number of runs"] button:text-is("50")');
    await page.waitForFunction((count) => document.querySelectorAll('.grid-bar').length === count, kRuns);
    const [rows, cells] = await scroll('.grid-box', 300, ['.grid-row', '.cell']);
    await page.waitForSelector('.grid-row[data-row="999"]');
    assert.ok(rows < 80, `${rows} rows`);
    assert.ok(cells < 80 * kRuns, `${cells} cells`);
    assert.deepEqual(asked('/grid').map(({query}) => query), ['?limit=50']);
    assert.equal(asked('/dags/wide/tasks').length + asked('/dags/wide/graph').length, 0);
    assert.equal(await page.locator('.react-flow__node').count(), 0);
  });

  it('draws the durations of 1,000 tasks with a hundred rows, and a timeline of thousands with the lanes in view', async () => {
    await page.goto(`${mock.url}/dags/wide/durations`);
    await page.waitForSelector('.durations-chart');
    assert.equal(await page.locator('.durations-table tbody tr').count(), 100);
    await page.goto(`${mock.url}/timeline?hours=6`);
    await page.waitForSelector('.timeline-row');
    await page.waitForSelector('text=More ran than is drawn');
    const [rows] = await scroll('.timeline', 300, ['.timeline-row']);
    assert.ok(rows < 80, `${rows} lanes`);
    assert.equal(asked('/timeline').length > 0 && asked('/taskInstances').length, 0);
  });
});
