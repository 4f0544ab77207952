// The stand-in's backfills, pools, assets and DAG versions: small, but they change as the scheduler's would.
import {fail, finders} from './mock_operations.mjs';

const kDay = 86_400_000;
const iso = (milliseconds) => new Date(milliseconds).toISOString();

const kBefore = `dag_id: daily_flights
schedule: "0 2 * * *"
params:
  threshold_minutes: {type: integer, default: 30}
tasks:
  - {id: extract, uses: extract}
  - {id: quality, uses: check, needs: [extract]}
`;
const kAfter = kBefore.replace('default: 30', 'default: 15, minimum: 0').concat('  - {id: delays, uses: mapreduce, needs: [quality]}\n');

function makeLists() {
  return {
    backfills: [],
    pools: [{name: 'default_pool', slots: 128, description: null, running: 3, queued: 1, scheduled: 0}, {name: 'warehouse', slots: 4, description: 'Connections to the warehouse', running: 4, queued: 0, scheduled: 7}],
    assets: [
      {id: 1, name: 'flights_raw', uri: 's3://lake/raw/flights', made: [['daily_flights', 'extract']], starts: ['ml_features'], read: [['daily_flights', 'delays']], aliases: ['lake_files'], watches: [{name: 'arrivals', kind: 'sensor_file', changed_at: null, failure: 'no permission to read /in'}], events: []},
      {id: 2, name: 'exchange_rates', uri: 'exchange_rates', made: [], starts: [], read: [], aliases: [], watches: [], events: []},
    ],
    variables: [{key: 'region', value: 'north', description: 'Where shops are'}, {key: 'api_token', value: '***', description: null}],
    connections: [{connection_id: 'warehouse', conn_type: 'postgres', description: null, host: 'db.example.com', port: 5432, schema: 'dwh', login: 'etl', password: '***', extra: '{"sslmode": "require"}'}],
    versions: new Map([['daily_flights', [kBefore, kAfter, kAfter]]]),
  };
}

// Dates, one a day, of which each takes a fifth of a second.
function progress(backfill) {
  const gone = backfill.cancelled ? backfill.at : backfill.paused ? backfill.at : backfill.at + Math.floor((Date.now() - backfill.since) / 200);
  const done = Math.min(backfill.dates, gone);
  const running = !backfill.paused && !backfill.cancelled ? Math.min(backfill.max_active_runs, backfill.dates - done) : 0;
  const state = backfill.cancelled ? 'cancelled' : done === backfill.dates ? 'completed' : backfill.paused ? 'paused' : 'running';
  return {done, wire: {id: backfill.id, dag_id: backfill.dag_id, from_date: backfill.from_date, to_date: backfill.to_date, dag_run_conf: backfill.dag_run_conf, is_paused: backfill.paused, reprocess_behavior: backfill.reprocess_behavior, max_active_runs: backfill.max_active_runs, created_at: iso(backfill.created), completed_at: null, state, run_backwards: backfill.run_backwards, user: 'admin', after: null, dates: backfill.dates, dates_run: done + running, dates_left_alone: 0, dates_left: backfill.dates - done - running, runs: {queued: 0, running, success: done, failed: 0}}};
}

export function lists(world) {
  world.lists = makeLists();
  const {dagOf} = finders(world);
  const pool = ({running, queued, scheduled, ...row}) => ({...row, include_deferred: false, occupied_slots: running + queued, running_slots: running, queued_slots: queued, scheduled_slots: scheduled, open_slots: row.slots < 0 ? -1 : row.slots - running - queued, deferred_slots: 0});
  const poolOf = (name) => world.lists.pools.find((one) => one.name === name) ?? fail(404, `The Pool with name: \`${name}\` was not found`);
  const assetOf = (id) => world.lists.assets.find((one) => one.id === Number(id)) ?? fail(404, 'The Asset was not found');
  const use = ([dag_id, task_id]) => ({dag_id, ...(task_id ? {task_id} : {})});
  const asset = (one) => ({id: one.id, name: one.name, uri: one.uri, group: 'asset', extra: {}, producing_tasks: one.made.map(use), scheduled_dags: one.starts.map((dag) => use([dag])), consuming_tasks: one.read.map(use), aliases: one.aliases.map((name, i) => ({id: i + 1, name, group: 'asset'})), watchers: one.watches.map((watch, i) => ({...watch, trigger_id: i + 1, created_date: iso(world.now), dag_id: one.starts[0]})), last_asset_event: one.events.length > 0 ? {id: one.events[0].id, timestamp: one.events[0].timestamp} : null});
  const backfillOf = (id) => world.lists.backfills.find((one) => one.id === Number(id)) ?? fail(404, 'Backfill not found');
  const dates = (body) => {
    if (dagOf(body.dag_id).schedule === null) fail(400, `DAG ${body.dag_id} has no schedule whose dates could be run again`);
    const all = [];
    for (let at = Date.parse(body.from_date); at <= Date.parse(body.to_date); at += kDay) all.push(iso(at));
    return body.run_backwards ? all.reverse() : all;
  };
  const change = (id, edit) => {
    const backfill = backfillOf(id);
    backfill.at = progress(backfill).done;
    backfill.since = Date.now();
    edit(backfill);
    return progress(backfill).wire;
  };
  const update = (one, extra, source = {}) => {
    const event = {id: world.lists.assets.reduce((sum, each) => sum + each.events.length, 1), asset_id: one.id, name: one.name, uri: one.uri, extra, source_dag_id: null, source_task_id: null, source_run_id: null, source_map_index: -1, partition_key: null, created_dagruns: [], timestamp: iso(Date.now()), ...source};
    for (const id of one.starts) {
      const run = world.start(dagOf(id), {logical_date: null, conf: {}}, null);
      if (run) event.created_dagruns.push({run_id: run.id, dag_id: id, state: 'queued'});
    }
    one.events.unshift(event);
    return event;
  };
  const pageOf = (rows, query) => {
    const offset = Number(query.get('offset') ?? 0);
    return rows.slice(offset, offset + Number(query.get('limit') ?? 50));
  };
  const bulkDelete = (rows, key) => ({body: {actions: [{action, entities}]}}) => {
    if (action !== 'delete') fail(422, `${action} is not stood in for`);
    const gone = rows.filter((row) => entities.includes(row[key]));
    gone.forEach((row) => rows.splice(rows.indexOf(row), 1));
    return {create: null, update: null, delete: {success: gone.map((row) => row[key]), errors: []}};
  };
  // Rows that are made, changed and deleted by a name; secrets come back as they were shown.
  const named = (member, key, path) => {
    const rows = world.lists[member];
    const at = (name) => rows.find((row) => row[key] === name) ?? fail(404, `${name} was not found`);
    const keep = (body) => Object.fromEntries(Object.entries(body).filter(([, value]) => value !== '***').map(([name, value]) => [name, name === 'password' ? '***' : value]));
    return [
      ['GET', `/api/v2/${path}`, ({query}) => {
        const found = rows.filter((row) => row[key].includes(query.get(key.startsWith('connection') ? 'connection_id_pattern' : 'variable_key_pattern') ?? ''));
        return {[member]: pageOf(found, query), total_entries: found.length};
      }],
      ['PATCH', `/api/v2/${path}`, bulkDelete(rows, key)],
      ['POST', `/api/v2/${path}`, ({body}) => {
        if (rows.some((row) => row[key] === body[key])) fail(409, `${body[key]} exists already; PATCH changes it`);
        rows.push(keep(body));
        return at(body[key]);
      }],
      ['PATCH', `/api/v2/${path}/:name`, ({args: [name], body}) => Object.assign(at(name), keep(body))],
      ['DELETE', `/api/v2/${path}/:name`, ({args: [name]}) => {
        rows.splice(rows.indexOf(at(name)), 1);
        return null;
      }],
    ];
  };
  const approval = (one) => ({defaults: null, multiple: false, ...one.task.asks, created_at: iso(one.at), timeout_at: iso(one.at + kDay), response_received: one.answer !== undefined, responded_at: one.answer ? iso(one.answer.at) : null, responded_by_user: one.answer ? {id: 'admin', name: 'admin'} : null, chosen_options: one.answer?.chosen ?? null, params_input: one.answer?.values ?? {}, task_instance: world.instance(one.dag, one.run, one.task.id)});
  const askedOf = ([id, run, task]) => world.asked.find((one) => one.dag.id === id && one.run.id === run && one.task.id === task) ?? fail(404, 'Human-in-the-loop detail does not exist');
  const hitl = '/api/v2/dags/:dag/dagRuns/:run/taskInstances/:task/:map/hitlDetails';
  return [
    ['GET', '/millrace/v1/me', () => ({user: 'admin', role: 'admin', can: {read: true, write: true, operate: true, administer: true, ...world.rights}})],
    ['POST', '/api/v2/connections/test', ({body}) => (body.port === 5433 ? {status: true, message: 'PostgreSQL 15 answered'} : {status: false, message: `connection to ${body.host} refused`})],
    ...named('variables', 'key', 'variables'), ...named('connections', 'connection_id', 'connections'),
    ['GET', '/api/v2/eventLogs', ({query}) => {
      const rows = [['trigger', 'ana', 'daily_flights', 'scheduled__1'], ['clear', 'admin', 'daily_flights', 'scheduled__2'], ['create_pool', 'admin', null, null]]
        .map(([event, owner, dag_id, run_id], i) => ({event_log_id: i + 1, when: iso(world.now - i * 60_000), event, owner, dag_id, run_id, task_id: null, extra: null, object: dag_id ? `${dag_id}/${run_id}` : 'warehouse'}))
        .filter((row) => (!query.get('owner') || row.owner === query.get('owner')) && (!query.get('dag_id') || row.dag_id === query.get('dag_id')));
      return {event_logs: rows, total_entries: rows.length};
    }],
    ['GET', '/api/v2/dags/~/dagRuns/~/hitlDetails', ({query}) => {
      const found = world.asked.filter((one) => query.get('response_received') !== 'false' || (one.answer === undefined && one.cell.state === 'deferred')).map(approval).reverse();
      return {hitl_details: found, total_entries: found.length};
    }],
    ['GET', hitl, ({args}) => approval(askedOf(args))],
    ['PATCH', hitl, ({args, body}) => {
      const one = askedOf(args);
      if (body.params_input.reason === 'bad') fail(400, 'param reason is no reason');
      one.answer = {chosen: body.chosen_options, values: body.params_input, at: Date.now()};
      one.finish();
      return {responded_at: iso(one.answer.at), chosen_options: body.chosen_options, params_input: body.params_input};
    }],
    ['GET', '/millrace/v1/backfills', ({query}) => {
      const found = world.lists.backfills.filter((one) => !query.get('dag_id') || one.dag_id === query.get('dag_id')).map((one) => progress(one).wire).reverse();
      return {backfills: found, total_entries: found.length};
    }],
    ['POST', '/millrace/v1/backfills/dry_run', ({body}) => {
      const all = dates(body);
      return {backfills: [{...body, id: 0, dates: all.length}], dates: all};
    }],
    ['POST', '/millrace/v1/backfills', ({body}) => {
      const backfill = {...body, id: world.lists.backfills.length + 1, dates: dates(body).length, at: 0, since: Date.now(), created: Date.now(), paused: false, cancelled: false};
      world.lists.backfills.push(backfill);
      return {backfills: [progress(backfill).wire], dates: dates(body)};
    }],
    ['PUT', '/api/v2/backfills/:id/pause', ({args: [id]}) => change(id, (one) => (one.paused = true))],
    ['PUT', '/api/v2/backfills/:id/unpause', ({args: [id]}) => change(id, (one) => (one.paused = false))],
    ['PUT', '/api/v2/backfills/:id/cancel', ({args: [id]}) => change(id, (one) => (one.cancelled = true))],
    ['GET', '/api/v2/pools', ({query}) => {
      const found = world.lists.pools.filter((one) => one.name.includes(query.get('pool_name_pattern') ?? ''));
      return {pools: pageOf(found, query).map(pool), total_entries: found.length};
    }],
    ['PATCH', '/api/v2/pools', (request) => bulkDelete(world.lists.pools, 'name')(request)],
    ['POST', '/api/v2/pools', ({body}) => {
      if (world.lists.pools.some((one) => one.name === body.name)) fail(409, `Pool ${body.name} exists already`);
      world.lists.pools.push({...body, running: 0, queued: 0, scheduled: 0});
      return pool(poolOf(body.name));
    }],
    ['PATCH', '/api/v2/pools/:name', ({args: [name], body, query}) => {
      for (const field of query.getAll('update_mask')) poolOf(name)[field] = body[field];
      return pool(poolOf(name));
    }],
    ['DELETE', '/api/v2/pools/:name', ({args: [name]}) => {
      world.lists.pools.splice(world.lists.pools.indexOf(poolOf(name)), 1);
      return null;
    }],
    ['GET', '/api/v2/assets', ({query}) => {
      const found = world.lists.assets.filter((one) => one.name.includes((query.get('name_pattern') ?? '').replaceAll('%', '')));
      return {assets: found.map(asset), total_entries: found.length};
    }],
    ['GET', '/api/v2/assets/:asset/state-store', () => {
      const entries = [{key: 'watermark', value: '2001-03-01', updated_at: new Date().toISOString(), last_updated_by: {kind: 'task', dag_id: 'daily', task_id: 'load'}}];
      return {asset_state_store: entries, total_entries: entries.length};
    }],
    ['GET', '/api/v2/assets/events', ({query}) => {
      const {events} = assetOf(query.get('asset_id'));
      return {asset_events: events, total_entries: events.length};
    }],
    ['POST', '/api/v2/assets/events', ({body}) => update(assetOf(body.asset_id), body.extra, {partition_key: body.partition_key ?? null})],
    ['POST', '/api/v2/assets/:id/materialize', ({args: [id]}) => {
      const dag = dagOf(assetOf(id).made[0][0]);
      return world.runResponse(dag, world.start(dag, {logical_date: null, conf: {}}, 'admin'));
    }],
    ['GET', '/api/v2/assets/:id', ({args: [id]}) => asset(assetOf(id))],
    ['GET', '/api/v2/dags/:dag/dagRuns/:run/upstreamAssetEvents', () => ({asset_events: [], total_entries: 0})],
    ['GET', '/api/v2/dags/:dag/dagVersions', ({args: [id]}) => {
      const texts = world.lists.versions.get(dagOf(id).id) ?? [`dag_id: ${id}\n`];
      return {dag_versions: texts.map((_, i) => ({version_number: i + 1, dag_id: id, bundle_version: `${i}c926d4b85f186dc`, created_at: iso(world.now - (texts.length - i) * kDay)})), total_entries: texts.length};
    }],
    ['GET', '/api/v2/dagSources/:dag', ({args: [id], query}) => {
      const texts = world.lists.versions.get(dagOf(id).id) ?? [`dag_id: ${id}\n`];
      const number = Number(query.get('version_number') ?? texts.length);
      return {content: texts[number - 1] ?? fail(404, 'DAG version not found'), dag_id: id, version_number: number};
    }],
  ];
}
