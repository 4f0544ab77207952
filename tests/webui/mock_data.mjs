// What the mock server serves: the flights pipeline, its neighbours, a DAG of 1,000 tasks, and two broken files. Made from
// a seed, so every start and every picture is the same but for the clock.

export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const chain = (...tasks) => tasks.map(([id, kind, next, seconds]) => ({id, kind, next, seconds}));

const kFlights = chain(
  ['extract', 'extract', ['quality'], 1.6], ['quality', 'check', ['delays'], 0.7], ['delays', 'mapreduce', ['check_result', 'rollup'], 3.2],
  ['check_result', 'check', ['publish'], 0.5], ['rollup', 'mapreduce', ['publish'], 1.4], ['publish', 'load', [], 0.8]);

function wide(count) {
  const tasks = [];
  const perLayer = [1, 24, 60, 120, 240, 300, 160, 70, 20, 4, 1];
  const names = ['start', 'land', 'stage', 'clean', 'conform', 'dim', 'fact', 'mart', 'report', 'share', 'done'];
  const kinds = ['empty', 'extract', 'sql', 'check', 'sql', 'sql', 'mapreduce', 'sql', 'sql', 'load', 'empty'];
  const layers = perLayer.map((size, layer) => Array.from({length: size}, (_, i) => (size === 1 ? names[layer] : `${names[layer]}_${String(i + 1).padStart(3, '0')}`)));
  const next = random(7);
  layers.forEach((ids, layer) => ids.forEach((id, i) => {
    const after = layers[layer + 1] ?? [];
    const to = new Set();
    if (after.length > 0) {
      const ratio = after.length / ids.length;
      for (let n = Math.floor(i * ratio); n < Math.max(Math.floor(i * ratio) + 1, Math.floor((i + 1) * ratio)); n++) to.add(after[Math.min(n, after.length - 1)]);
      if (next() < 0.05) to.add(after[Math.floor(next() * after.length)]);
    }
    tasks.push({id, kind: kinds[layer], next: [...to], seconds: 0.3 + next() * 8});
  }));
  return tasks.slice(0, count);
}

// Groups in groups, a mapped task, setup and teardown, a branch. [id, kind, next, seconds, more].
const grouped = (...tasks) => tasks.map(([id, kind, next, seconds, more]) => ({id, kind, next, seconds, ...more}));
const kSales = grouped(
  ['list_shops', 'python', ['stage.create_schema', 'stage.fetch'], 0.4], ['stage.create_schema', 'shell', ['stage.fetch', 'stage.drop_schema'], 0.2, {role: 'setup'}],
  ['stage.fetch', 'shell', ['stage.checks.rows', 'stage.checks.freshness'], 1.5, {mapped: 12}], ['stage.checks.rows', 'check', ['stage.drop_schema', 'report'], 0.4],
  ['stage.checks.freshness', 'check', ['stage.drop_schema', 'report'], 0.3], ['stage.drop_schema', 'shell', [], 0.2, {role: 'teardown'}], ['report', 'shell', [], 0.9]);

export const kDags = [
  {id: 'regional_sales', description: 'Sales by region, each shop by itself', schedule: '@daily', tags: ['sales'], owner: 'sales', runs: 8, every: 86400, tasks: kSales, fail: {6: 'stage.fetch'},
    groups: [{id: 'stage', parent: null, tooltip: 'One file a shop'}, {id: 'stage.checks', parent: 'stage', tooltip: null}],
    params: {
      month: {value: null, description: 'Which month', schema: {type: 'string', pattern: '^\\d{4}-\\d{2}$', section: 'What'}},
      shops: {value: ['BER', 'HAM'], schema: {type: 'array', items: {type: 'string', pattern: '^[A-Z]{3}$'}, minItems: 1, section: 'What'}},
      columns: {value: ['day'], schema: {type: 'array', items: {type: 'string', enum: ['day', 'hour', 'shop']}, section: 'What'}},
      since: {value: null, schema: {type: ['null', 'string'], format: 'date', section: 'What'}},
      text: {value: '', schema: {type: 'string', format: 'multiline', section: 'Mail'}},
    },
    labels: {'stage.checks.rows>report': 'rows > 0', 'stage.checks.freshness>report': 'rows > 0'}},
  {id: 'daily_flights', description: 'Delays by state and airport, every night', schedule: '0 2 * * *', zone: 'America/New_York', tags: ['flights', 'etl'], owner: 'data-engineering',
    tasks: kFlights, runs: 25, every: 86400, fail: {19: 'quality', 8: 'extract'}, params: {threshold_minutes: {value: 15, description: 'A flight is late from here on', schema: {type: 'integer', minimum: 0, maximum: 600}}, publish: {value: true, schema: {type: 'boolean'}}, region: {value: 'all', schema: {type: 'string', enum: ['all', 'east', 'west']}}}},
  {id: 'word_count', description: 'Counts words with a native mapper and with streaming commands', schedule: null, tags: ['examples'], owner: 'examples', runs: 6, every: 40000,
    tasks: chain(['generate', 'shell', ['native', 'streaming'], 2], ['native', 'mapreduce', ['compare'], 5], ['streaming', 'mapreduce', ['compare'], 9], ['compare', 'shell', [], 0.4])},
  {id: 'warehouse_rebuild', description: 'One thousand tasks: every table of the warehouse, from landing to marts', schedule: '@weekly', tags: ['warehouse', 'large'], owner: 'data-engineering', tasks: wide(1000), runs: 25, every: 604800, fail: {22: 'clean_041'}},
  {id: 'crm_sync', description: 'Contacts and accounts from the CRM, incremental by watermark', schedule: '*/15 * * * *', tags: ['crm', 'etl'], owner: 'sales-ops', runs: 40, every: 900,
    tasks: chain(['contacts', 'http', ['merge'], 1.2], ['accounts', 'http', ['merge'], 1.9], ['merge', 'sql', ['load'], 0.9], ['load', 'load', [], 0.6]), fail: {36: 'accounts'}},
  {id: 'exchange_rates', description: 'Reference rates of the central bank', schedule: '0 16 * * MON-FRI', zone: 'Europe/Berlin', tags: ['finance'], owner: 'finance', runs: 14, every: 86400,
    tasks: chain(['fetch', 'http', ['check'], 0.8], ['check', 'check', ['load'], 0.2], ['load', 'load', [], 0.3])},
  {id: 'invoice_export', description: 'PDF invoices to the archive', schedule: '30 5 * * *', tags: ['finance', 'export'], owner: 'finance', paused: true, runs: 9, every: 86400,
    tasks: chain(['select', 'sql', ['render'], 0.6], ['render', 'python', ['upload'], 31], ['upload', 'shell', [], 12]), fail: {8: 'render', 7: 'render'}},
  {id: 'ml_features', description: 'Features of yesterday for the demand model', schedule: '0 4 * * *', tags: ['ml'], owner: 'research', runs: 12, every: 86400,
    tasks: chain(['join', 'mapreduce', ['features'], 42], ['features', 'sql', ['validate'], 11], ['validate', 'check', ['publish'], 3], ['publish', 'load', [], 4])},
  {id: 'retention_cleanup', description: 'Removes lake folders that are older than their retention', schedule: '@daily', tags: ['maintenance'], owner: 'platform', runs: 20, every: 86400, tasks: chain(['list', 'python', ['remove'], 1.1], ['remove', 'shell', [], 2.4])},
  {id: 'session_stats', description: 'Web sessions by campaign', schedule: '@hourly', tags: ['web', 'etl'], owner: 'growth', runs: 30, every: 3600, tasks: chain(['extract', 'extract', ['sessionise'], 6], ['sessionise', 'mapreduce', ['publish'], 18], ['publish', 'load', [], 2])},
  {id: 'release_gate', description: 'Asks before it publishes', schedule: null, tags: ['release'], owner: 'platform', runs: 0, every: 86400,
    tasks: grouped(['build', 'shell', ['ok'], 0.4], ['ok', 'approval', ['publish'], 0.2, {asks: {subject: 'Publish the prices?', body: 'Two rows changed.', options: ['Approve', 'Reject'], params: {reason: {value: null, schema: {type: 'string', minLength: 3}}}, assigned_users: [{id: 'ana', name: 'ana'}]}}], ['publish', 'load', [], 0.3])},
  {id: 'backup_verify', description: '', schedule: '0 6 * * SUN', tags: ['maintenance'], owner: 'platform', paused: true, runs: 0, every: 604800, tasks: chain(['verify', 'shell', [], 60])},
];

export const kImportErrors = [
  {import_error_id: 1, filename: 'dags/customer_scores.yaml', bundle_name: 'dags', timestamp: '2026-11-21T08:00:00Z',
    stack_trace: 'dags/customer_scores.yaml:14:11: unknown task kind "mapredcue"\n  suggestion: did you mean "mapreduce"?\ndags/customer_scores.yaml:22:13: task "publish" needs "scores", which is not a task of this DAG\n  suggestion: did you mean "score"?'},
];

const kEvents = {
  extract: ['connect to warehouse (duckdb, read only)', 'SELECT * FROM flights WHERE CAST(date AS DATE) = DATE \'2001-03-01\'', '16 384 rows, 4 columns in 38 ms', 'wrote lake/raw/2001-03-01/part-0.parquet (4 096 rows, 41.2 kB)', 'wrote lake/raw/2001-03-01/part-1.parquet (4 096 rows, 40.9 kB)', 'wrote lake/raw/2001-03-01/part-2.parquet (4 096 rows, 41.1 kB)', 'wrote lake/raw/2001-03-01/part-3.parquet (4 096 rows, 41.0 kB)', '\u001b[32mcommitted\u001b[0m lake/raw/2001-03-01/ (manifest 7)'],
  check: ['contract contracts/flights.yml, version 1.2.0', 'row_count > 0 ........................ \u001b[32mok\u001b[0m (16 384)', 'not_null(origin) ..................... \u001b[32mok\u001b[0m', 'not_null(delay) ...................... \u001b[32mok\u001b[0m', 'relationship(origin -> airports.iata)  \u001b[32mok\u001b[0m', 'range(delay, -120, 2000) ............. \u001b[33mWARNING\u001b[0m 2 rows beyond, threshold 10'],
  mapreduce: ['plan: 4 splits, 8 partitions, airports broadcast (3 376 rows, 214 kB)', 'map 0 on worker-1: 4 096 rows -> 212 groups in 21 ms', 'map 1 on worker-2: 4 096 rows -> 208 groups in 24 ms', 'map 2 on worker-1: 4 096 rows -> 215 groups in 19 ms', 'map 3 on worker-2: 4 096 rows -> 211 groups in 20 ms', 'shuffle: 846 rows, 38.1 kB in 8 partitions', 'reduce 0..7: 226 rows out', 'publish lake/gold/2001-03-01/ (1 file a partition, 8 files)'],
  load: ['connect to warehouse (duckdb)', 'merge into delays on (day, state, airport): 226 rows, 226 new, 0 changed', 'committed'],
};

export function logLines(kind, failed) {
  const lines = kEvents[kind] ?? ['started', 'working', 'done'];
  return failed ? [...lines.slice(0, 3), '\u001b[31mERROR\u001b[0m row_count = 0, expected > 0: lake/raw/2001-03-19/ has no rows', 'The check failed with severity error; nothing downstream starts.'] : lines;
}

const stage = (name, tasks, more) => ({stage: name, tasks, running: 0, done: tasks, attempts: tasks, failed_attempts: 0, lost_attempts: 0, input_rows: 0, output_rows: 0, output_bytes: 0, spilled_bytes: 0, local_bytes: 0, fetched_bytes: 0, ...more});
const kBegin = 1_800_000_000_000_000;
const attempt = (name, index, worker, start, end, outcome = 'success', message = '') => ({stage: name, index, worker, started_at: kBegin + start * 1000, ended_at: kBegin + end * 1000, outcome, message});

// As scheduler/jobs writes it.
export const kJobReport = {
  run: 7, try_number: 1, state: 'done', mode: 'distributed',
  stages: [
    stage('plan', 1, {duration_ms: 31}),
    stage('map', 4, {attempts: 5, lost_attempts: 1, input_rows: 16384, output_rows: 846, output_bytes: 38100, duration_ms: 58}),
    stage('reduce', 8, {input_rows: 846, output_rows: 226, output_bytes: 14200, local_bytes: 19400, fetched_bytes: 18700, duration_ms: 47}),
    stage('publish', 1, {output_rows: 226, output_bytes: 14200, duration_ms: 9}),
  ],
  partitions: [104, 98, 121, 110, 96, 163, 88, 66].map((rows) => ({rows, bytes: rows * 45})),
  decisions: [
    {rule: 'fuse', what: 'distributed', why: 'the author asked for 8 partitions'},
    {rule: 'broadcast', what: 'airports is broadcast', why: '214 kB is below the threshold of 10 MB'},
    {rule: 'coalesce', what: 'nothing merged', why: 'a number of partitions is never coalesced'},
  ],
  timeline: [
    attempt('plan', 0, 'worker-1', 0, 31), attempt('map', 0, 'worker-1', 36, 61), attempt('map', 1, 'worker-2', 36, 64), attempt('map', 2, 'worker-1', 37, 60),
    attempt('map', 3, 'worker-2', 37, 48, 'lost', 'its worker stopped answering'), attempt('map', 3, 'worker-1', 62, 92),
    ...Array.from({length: 8}, (_, i) => attempt('reduce', i, `worker-${1 + (i % 2)}`, 95 + (i % 4), 118 + ((i * 7) % 24))), attempt('publish', 0, 'worker-2', 144, 153),
  ],
  timeline_dropped: 0,
};
