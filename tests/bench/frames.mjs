// How long frames take while long lists scroll in Chromium: node tests/bench/frames.mjs [DIST]. Prints the 50th and 95th percentile
// and the longest, and the share of frames that came late (beyond 1.5 of the display's 16.7 ms). Judges nothing: it depends on the
// machine, and drawing is by software here. What stays in the document is held by tests/webui/large_test.mjs.
import {openBrowser, signIn} from '../webui/browser.mjs';
import {addMany, addWide, startMock} from '../webui/mock_server.mjs';

const dist = process.argv[2] ?? new URL('../../build/release/webui/dist', import.meta.url).pathname;
const kFrames = 300;

const mock = await startMock({dist, speed: 5});
addMany(mock.world, 1000);
addWide(mock.world, 50);
const browser = await openBrowser();
const {page} = browser;

// Scrolls down and up by a fixed step a frame.
const frames = (box) => page.evaluate(async ([name, count]) => {
  const element = name === null ? document.scrollingElement : document.querySelector(name);
  const times = [];
  let by = 90;
  for (let last = await new Promise(requestAnimationFrame), n = 0; n < count; n++) {
    const before = element.scrollTop;
    element.scrollTop += by;
    if (element.scrollTop === before) by = -by;
    const now = await new Promise(requestAnimationFrame);
    times.push(now - last);
    last = now;
  }
  return times;
}, [box, kFrames]);

async function measure(name, path, ready, box, before = async () => {}) {
  await page.goto(mock.url + path);
  await page.waitForSelector(ready);
  await before();
  await page.waitForTimeout(1500);
  const times = (await frames(box)).sort((a, b) => a - b);
  const at = (share) => times[Math.min(times.length - 1, Math.floor(times.length * share))].toFixed(1).padStart(7);
  const late = times.filter((time) => time > 25).length;
  console.log(`${name.padEnd(44)} p50 ${at(0.5)} ms  p95 ${at(0.95)} ms  longest ${at(1)} ms  late ${((late / times.length) * 100).toFixed(1).padStart(5)} %`);
}

try {
  await signIn(page, mock.url, 'admin', 'millrace');
  await measure('list of 1,000 DAGs', '/', '.run-dot', null);
  const fifty = () => page.click('[aria-label="Number of runs"] button:text-is("50")');
  await measure('grid of 1,000 tasks x 50 runs', '/dags/wide', '.grid-row', '.grid-box', fifty);
  await measure('gantt of 1,000 tasks', '/dags/wide?view=gantt', '.gantt-row', '.gantt');
  await measure('timeline of all DAGs, six hours', '/timeline?hours=6', '.timeline-row', '.timeline');
  await measure('log of 100,000 lines', '/dags/retention_cleanup/runs/' + encodeURIComponent(mock.world.dags.get('retention_cleanup').list.at(-1).id) + '/tasks/remove', '.log-line', '.log-box');
} finally {
  await browser.close();
  await mock.close();
}
