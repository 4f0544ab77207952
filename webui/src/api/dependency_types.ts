// The graph of all DAGs, assets, aliases and watches, as /millrace/v1/dependencies has it.
import type {RunState} from './types';

interface NodeOf<Kind extends string> {
  // "dag:etl", "dataset:orders", "alias:daily_files", "watch:7".
  id: string;
  kind: Kind;
  label: string;
}

export interface DagNode extends NodeOf<'dag'> {
  // Others name it, and no file defines it.
  is_missing: boolean;
  is_paused: boolean;
  last_run_id: string | null;
  last_run_state: RunState | null;
}

export interface DatasetNode extends NodeOf<'dataset'> {
  asset_id: number;
  uri: string;
  group: string;
  updated_at: string | null;
}

export interface AliasNode extends NodeOf<'alias'> {
  asset_alias_id: number;
  group: string;
}

export interface WatchNode extends NodeOf<'watch'> {
  dag_id: string;
  task_kind: string;
  changed_at: string | null;
  failure: string | null;
}

export type DependencyNode = DagNode | DatasetNode | AliasNode | WatchNode;

export type DependencyKind = 'produces' | 'consumes' | 'triggers' | 'attaches' | 'watches' | 'waits_for' | 'reads';

// Leads the way that data and runs go.
export interface DependencyEdge {
  source: string;
  target: string;
  kind: DependencyKind;
  // Of the DAG that acts, or that waits.
  tasks: string[];
  // Tasks of the other DAG; none: its run.
  waits_for: string[];
}

export interface Dependencies {
  nodes: DependencyNode[];
  edges: DependencyEdge[];
  // DAGs that have to do with no other, and are not among the nodes.
  lone_dags: number;
}
