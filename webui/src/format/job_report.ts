// The report of a mapreduce job as the page shows it. The server's report is JSON that grows with the engine, so every field
// is optional here, and one that is missing is simply not shown.

export interface StageReport {
  name: string;
  state: string | null;
  tasks: number | null;
  done: number | null;
  running: number | null;
  rowsIn: number | null;
  rowsOut: number | null;
  bytesIn: number | null;
  bytesOut: number | null;
  seconds: number | null;
  start: string | null;
  end: string | null;
}

export interface PartitionReport {
  index: number;
  rows: number | null;
  bytes: number | null;
}

export interface JobReport {
  state: string | null;
  mode: string | null;
  stages: StageReport[];
  partitions: PartitionReport[];
  decisions: {rule: string; did: string; why: string}[];
  facts: [string, number | string, 'bytes' | 'count' | 'text'][];
  output: {path: string | null; files: number | null; rows: number | null; bytes: number | null} | null;
}

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);
const objects = (value: unknown): Json[] => (Array.isArray(value) ? value.filter(isObject) : []);

function number(from: Json, ...names: string[]): number | null {
  for (const name of names) {
    const value = from[name];
    if (typeof value === 'number' && Number.isFinite(value)) return value;
  }
  return null;
}

function text(from: Json, ...names: string[]): string | null {
  for (const name of names) {
    const value = from[name];
    if (typeof value === 'string' && value !== '') return value;
  }
  return null;
}

function readStage(stage: Json, index: number): StageReport {
  const tasks = isObject(stage['tasks']) ? stage['tasks'] : stage;
  const milliseconds = number(stage, 'duration_ms', 'milliseconds');
  return {
    name: text(stage, 'name', 'kind', 'stage') ?? `stage ${index + 1}`,
    state: text(stage, 'state'),
    tasks: number(tasks, 'total', 'tasks', 'count'),
    done: number(tasks, 'done', 'finished', 'success'),
    running: number(tasks, 'running'),
    rowsIn: number(stage, 'rows_in', 'input_rows'),
    rowsOut: number(stage, 'rows_out', 'output_rows', 'rows'),
    bytesIn: number(stage, 'bytes_in', 'input_bytes'),
    bytesOut: number(stage, 'bytes_out', 'output_bytes', 'bytes'),
    seconds: number(stage, 'seconds', 'duration') ?? (milliseconds === null ? null : milliseconds / 1000),
    start: text(stage, 'start_date', 'started_at'),
    end: text(stage, 'end_date', 'ended_at'),
  };
}

function readPartitions(value: unknown): PartitionReport[] {
  return objects(value).map((partition, i) => ({
    index: number(partition, 'index', 'partition') ?? i,
    rows: number(partition, 'rows'),
    bytes: number(partition, 'bytes'),
  }));
}

const kFacts: [string, 'bytes' | 'count' | 'text', string[]][] = [
  ['Partitions', 'count', ['partition_count']],
  ['Input', 'bytes', ['input_bytes']],
  ['Input rows', 'count', ['input_rows']],
  ['Shuffled', 'bytes', ['shuffle_bytes', 'shuffled_bytes']],
  ['Shuffled rows', 'count', ['shuffle_rows', 'shuffled_rows']],
  ['Read on the same host', 'bytes', ['local_bytes']],
  ['Fetched', 'bytes', ['fetched_bytes']],
  ['Spilled', 'bytes', ['spilled_bytes']],
  ['Retried tasks', 'count', ['retried', 'retries']],
  ['Maps made again', 'count', ['remade_maps', 'lost_maps']],
];

export function readJobReport(value: unknown): JobReport | null {
  if (!isObject(value)) return null;
  const report = isObject(value['report']) ? value['report'] : value;
  const shuffle = isObject(report['shuffle']) ? report['shuffle'] : {};
  const merged: Json = {...shuffle, ...report};
  const facts: JobReport['facts'] = [];
  for (const [name, kind, names] of kFacts) {
    const found = number(merged, ...names) ?? (name === 'Partitions' ? number(merged, 'partitions') : null);
    if (found !== null && (found > 0 || kind !== 'count')) facts.push([name, found, kind]);
  }
  const output = isObject(report['output']) ? report['output'] : null;
  const stages = objects(report['stages']);
  return {
    state: text(report, 'state'),
    mode: text(report, 'mode') ?? (report['fused'] === true ? 'fused' : report['fused'] === false ? 'distributed' : null),
    stages: stages.map(readStage),
    partitions: readPartitions(Array.isArray(report['partitions']) ? report['partitions']
      : (shuffle['partitions'] ?? stages.map((stage) => stage['partitions']).find(Array.isArray))),
    decisions: objects(report['decisions'] ?? report['rules']).map((decision) => ({
      rule: text(decision, 'rule', 'name') ?? '',
      did: text(decision, 'did', 'what', 'choice', 'decision') ?? '',
      why: text(decision, 'why', 'reason') ?? '',
    })),
    facts,
    output: output && {
      path: text(output, 'path'),
      files: Array.isArray(output['files']) ? output['files'].length : number(output, 'files'),
      rows: number(output, 'rows'),
      bytes: number(output, 'bytes'),
    },
  };
}
