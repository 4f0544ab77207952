// The report of a mapreduce job (docs/formats.md, "job report"), read with care: the server writes it anew as the job proceeds,
// and an older server may lack a field. What is missing is 0 or empty.

export interface StageReport {
  name: string;
  state: 'queued' | 'running' | 'success';
  tasks: number;
  done: number;
  attempts: number;
  failedAttempts: number;
  lostAttempts: number;
  inputRows: number;
  outputRows: number;
  outputBytes: number;
  spilledBytes: number;
  localBytes: number;
  fetchedBytes: number;
  seconds: number | null;
}

export interface PartitionReport {
  rows: number;
  bytes: number;
}

// One ended attempt of a stage task; times in seconds from the first one's start.
export interface JobAttempt {
  stage: string;
  index: number;
  worker: string;
  start: number;
  end: number;
  outcome: string;
  message: string;
}

export interface JobReport {
  state: string;
  mode: string;
  stages: StageReport[];
  partitions: PartitionReport[];
  decisions: {rule: string; what: string; why: string}[];
  attempts: JobAttempt[];
  attemptsDropped: number;
}

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const objects = (value: unknown): Json[] => (Array.isArray(value) ? value.filter(isObject) : []);
const number = (value: unknown): number => (typeof value === 'number' && Number.isFinite(value) ? value : 0);
const text = (value: unknown): string => (typeof value === 'string' ? value : '');

function readStage(stage: Json): StageReport {
  const tasks = number(stage['tasks']);
  const done = number(stage['done']);
  return {
    name: text(stage['stage']),
    state: tasks > 0 && done >= tasks ? 'success' : number(stage['running']) > 0 || done > 0 ? 'running' : 'queued',
    tasks,
    done,
    attempts: number(stage['attempts']),
    failedAttempts: number(stage['failed_attempts']),
    lostAttempts: number(stage['lost_attempts']),
    inputRows: number(stage['input_rows']),
    outputRows: number(stage['output_rows']),
    outputBytes: number(stage['output_bytes']),
    spilledBytes: number(stage['spilled_bytes']),
    localBytes: number(stage['local_bytes']),
    fetchedBytes: number(stage['fetched_bytes']),
    seconds: typeof stage['duration_ms'] === 'number' ? stage['duration_ms'] / 1000 : null,
  };
}

function readAttempts(value: unknown): JobAttempt[] {
  const entries = objects(value);
  const begin = entries.reduce((least, entry) => Math.min(least, number(entry['started_at'])), Infinity);
  return entries.map((entry) => ({
    stage: text(entry['stage']),
    index: number(entry['index']),
    worker: text(entry['worker']),
    start: (number(entry['started_at']) - begin) / 1e6,
    end: (number(entry['ended_at']) - begin) / 1e6,
    outcome: text(entry['outcome']),
    message: text(entry['message']),
  }));
}

// answer: the job as /millrace/v1/jobs tells of it, {dag_id, ..., report}.
export function readJobReport(answer: unknown): JobReport | null {
  const value = isObject(answer) ? answer['report'] : null;
  if (!isObject(value)) return null;
  return {
    state: text(value['state']),
    mode: text(value['mode']),
    stages: objects(value['stages']).map(readStage),
    partitions: objects(value['partitions']).map((one) => ({rows: number(one['rows']), bytes: number(one['bytes'])})),
    decisions: objects(value['decisions']).map((one) => ({
      rule: text(one['rule']),
      what: text(one['what']),
      why: text(one['why']),
    })),
    attempts: readAttempts(value['timeline']),
    attemptsDropped: number(value['timeline_dropped']),
  };
}

// Rows for a picture of the attempts: for each worker as many lanes as it had attempts at the same time.
export function workerLanes(attempts: readonly JobAttempt[]): {worker: string; lanes: JobAttempt[][]}[] {
  const workers = new Map<string, JobAttempt[][]>();
  for (const attempt of [...attempts].sort((a, b) => a.start - b.start)) {
    const lanes = workers.get(attempt.worker) ?? [];
    workers.set(attempt.worker, lanes);
    const free = lanes.find((lane) => (lane.at(-1) as JobAttempt).end <= attempt.start);
    if (free) free.push(attempt);
    else lanes.push([attempt]);
  }
  return [...workers].sort(([a], [b]) => (a < b ? -1 : 1)).map(([worker, lanes]) => ({worker, lanes}));
}
