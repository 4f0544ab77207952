// The stand-in's graph of all assets: what its list of assets tells, a few DAGs that act on each other, and as many more as a test
// wants to have.
const node = (kind, label, more) => ({id: `${kind}:${label}`, kind, label, ...more});
const edge = (source, kind, target, tasks = [], waits_for = []) => ({source, target, kind, tasks, waits_for});

// A dataset, made by one DAG and reading others, in layers: so many of both together.
function many(count) {
  const nodes = [];
  const edges = [];
  for (let n = 0; n * 2 < count; n++) {
    const dag = node('dag', `tenant_${String(n).padStart(4, '0')}`, {is_missing: false, is_paused: n % 9 === 0, last_run_id: 'r', last_run_state: ['success', 'failed', 'running', 'success'][n % 4]});
    const dataset = node('dataset', `tenant/${String(n).padStart(4, '0')}/orders`, {asset_id: 1000 + n, uri: `s3://tenant/${n}/orders`, group: 'asset', updated_at: null});
    nodes.push(dag, dataset);
    edges.push(edge(dag.id, 'produces', dataset.id, ['load']));
    // Groups of 61 hang together; within one each is started by one before it.
    if (n % 61 > 0) edges.push(edge(nodes[2 * (n - n % 61 + Math.floor((n % 61 - 1) / 3)) + 1].id, n % 5 === 0 ? 'reads' : 'consumes', dag.id));
  }
  return {nodes, edges};
}

export function dependencies(world) {
  world.more = 0;
  const dagNode = ([id, dag]) => node('dag', id, {is_missing: false, is_paused: dag.paused ?? false, last_run_id: dag.list.at(-1)?.id ?? null, last_run_state: dag.list.at(-1)?.state ?? null});
  return [
    ['GET', '/millrace/v1/dependencies', () => {
      const edges = [
        edge('dag:ml_features', 'produces', 'dataset:features', ['publish']), edge('dataset:features', 'consumes', 'dag:release_gate'),
        edge('dag:release_gate', 'triggers', 'dag:price_mail', ['publish']), edge('dag:crm_sync', 'waits_for', 'dag:session_stats', ['extract'], ['load']),
        edge('dag:exchange_rates', 'produces', 'dataset:rates', ['load']), edge('dataset:rates', 'consumes', 'dag:invoice_export'), edge('dataset:rates', 'reads', 'dag:regional_sales', ['report']),
      ];
      const nodes = [
        node('dataset', 'features', {asset_id: 3, uri: 's3://lake/features', group: 'asset', updated_at: new Date(Date.now() - 7_200_000).toISOString()}),
        node('dataset', 'rates', {asset_id: 4, uri: 'rates', group: 'asset', updated_at: null}),
        node('dag', 'price_mail', {is_missing: true, is_paused: false, last_run_id: null, last_run_state: null}),
      ];
      for (const asset of world.lists.assets) {
        if (asset.made.length + asset.starts.length + asset.read.length + asset.watches.length === 0) continue;
        const id = `dataset:${asset.name}`;
        nodes.push(node('dataset', asset.name, {asset_id: asset.id, uri: asset.uri, group: 'asset', updated_at: asset.events[0]?.timestamp ?? null}));
        for (const [dag, task] of asset.made) edges.push(edge(`dag:${dag}`, 'produces', id, [task]));
        for (const dag of asset.starts) edges.push(edge(id, 'consumes', `dag:${dag}`));
        for (const [dag, task] of asset.read) edges.push(edge(id, 'reads', `dag:${dag}`, [task]));
        asset.aliases.forEach((name, i) => {
          nodes.push(node('alias', name, {asset_alias_id: i + 1, group: 'lake'}));
          edges.push(edge(`alias:${name}`, 'attaches', id), edge('dag:daily_flights', 'produces', `alias:${name}`, ['publish']));
        });
        asset.watches.forEach((watch, i) => {
          nodes.push({...node('watch', watch.name, {dag_id: asset.starts[0], task_kind: watch.kind, changed_at: watch.changed_at, failure: watch.failure}), id: `watch:${i + 1}`});
          edges.push(edge(`watch:${i + 1}`, 'watches', id));
        });
      }
      const large = many(world.more);
      edges.push(...large.edges);
      const joined = new Set(edges.flatMap(({source, target}) => [source, target]));
      const dags = [...world.dags].filter(([id]) => joined.has(`dag:${id}`) && !large.nodes.some((one) => one.label === id));
      if (world.alone) return {nodes: [], edges: [], lone_dags: world.dags.size};
      return {nodes: [...dags.map(dagNode), ...nodes, ...large.nodes], edges, lone_dags: world.dags.size - dags.length};
    }],
  ];
}
