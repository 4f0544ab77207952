// What checks found over runs, as rows that can be drawn: a row a check of a task, a cell a run.
import type {CheckHistory, CheckOutcome} from '../api/types';

export type CheckState = 'passed' | 'warned' | 'failed';

export interface CheckCell {
  state: CheckState;
  // Of a mapped task the worst of its instances, else the only one.
  outcome: CheckOutcome;
  mapIndex: number;
  // How many of how many instances did not pass.
  bad: number;
  instances: number;
}

export interface CheckRow {
  task: string;
  check: string;
  type: string;
  // By run.
  cells: Map<string, CheckCell>;
}

const kRank: Record<CheckState, number> = {failed: 0, warned: 1, passed: 2};

export function stateOf(outcome: CheckOutcome): CheckState {
  return outcome.passed ? 'passed' : outcome.severity === 'warn' ? 'warned' : 'failed';
}

export function checkRows(history: CheckHistory): CheckRow[] {
  const rows = new Map<string, CheckRow>();
  for (const result of history.results) {
    for (const outcome of result.checks) {
      const key = `${result.task_id}\n${outcome.check}`;
      const row: CheckRow = rows.get(key) ?? {
        task: result.task_id,
        check: outcome.check,
        type: outcome.type,
        cells: new Map(),
      };
      rows.set(key, row);
      const state = stateOf(outcome);
      const known = row.cells.get(result.dag_run_id);
      const kept: Pick<CheckCell, 'state' | 'outcome' | 'mapIndex'> =
        known && kRank[known.state] <= kRank[state] ? known : {state, outcome, mapIndex: result.map_index};
      row.cells.set(result.dag_run_id, {
        ...kept,
        bad: (known?.bad ?? 0) + (outcome.passed ? 0 : 1),
        instances: (known?.instances ?? 0) + 1,
      });
    }
  }
  return [...rows.values()].sort((a, b) => (a.task === b.task ? 0 : a.task < b.task ? -1 : 1));
}

// Points of a line, from 0 to 1 both ways, y upwards; null where a run has no value.
export function pointsOf(values: readonly (number | null)[]): ({x: number; y: number} | null)[] {
  const known = values.filter((value) => value !== null);
  const least = Math.min(...known);
  const span = Math.max(...known) - least;
  return values.map((value, i) =>
    value === null
      ? null
      : {x: values.length > 1 ? i / (values.length - 1) : 0.5, y: span > 0 ? (value - least) / span : 0.5},
  );
}

export function valueText(value: number): string {
  if (Number.isInteger(value)) return value.toLocaleString('en');
  return Math.abs(value) >= 1000 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(4)));
}
