// The cards of the graph: a task, and a group as a box around what is in it or, closed, as one card.
import {createContext, useContext} from 'react';
import {Handle, Position, type Node, type NodeProps} from '@xyflow/react';
import {GroupButton} from './group_changes';
import {ChevronIcon} from './icons';
import {stateClass, stateLabel} from './state';
import {StateBar} from './state_bar';
import {Lasted} from './times';
import type {GridCell} from '../api/types';
import {endedOf, totalOf} from '../format/summary';
import type {Direction} from '../graph/layout';
import type {GroupNode, TaskNode} from '../graph/structure';

export type TaskCardNode = Node<{node: TaskNode; cell: GridCell | undefined; direction: Direction}, 'task'>;
export type GroupCardNode = Node<
  {node: GroupNode; cell: GridCell | undefined; direction: Direction; open: boolean; toggle: (id: string) => void},
  // Not 'group': React Flow has styles of its own for that.
  'box'
>;

// Whether cards are seen from so far away that text would be noise. One subscription to the zoom, not one a card.
export const Far = createContext(false);

function Ends({direction}: {direction: Direction}) {
  return (
    <>
      <Handle type="target" position={direction === 'right' ? Position.Left : Position.Top} isConnectable={false} />
      <Handle type="source" position={direction === 'right' ? Position.Right : Position.Bottom} isConnectable={false} />
    </>
  );
}

// "7 of 12" and the bar of what they are.
function Many({cell}: {cell: GridCell}) {
  const counts = cell.states ?? {};
  return (
    <>
      <span className="task-card-state">
        {endedOf(counts)} of {totalOf(counts)}
      </span>
      <StateBar counts={counts} />
    </>
  );
}

export function TaskCard({data}: NodeProps<TaskCardNode>) {
  const {node, cell, direction} = data;
  const {task} = node;
  const far = useContext(Far);
  const state = cell?.state ?? null;
  return (
    <div
      className={`task-card ${stateClass(state)}`}
      data-far={far || undefined}
      data-mapped={node.mapped || undefined}
      title={far ? node.id : undefined}
      data-task={node.id}
      data-state={state ?? 'none'}
    >
      <Ends direction={direction} />
      {!far && (
        <>
          <span className="task-card-name" title={node.id}>
            {node.label}
            {cell?.instances !== undefined && <span className="task-card-count"> [{cell.instances}]</span>}
          </span>
          <span className="task-card-line">
            <span className="task-card-kind">
              {task.operator_name ?? ''}
              {node.role !== 'work' && <span className="task-card-role"> {node.role}</span>}
            </span>
            {cell?.states ? (
              <Many cell={cell} />
            ) : (
              <span className="task-card-state">
                {cell?.start_date ? <Lasted start={cell.start_date} end={cell.end_date} /> : stateLabel(state)}
                {cell && cell.try_number > 1 && <span title={`attempt ${cell.try_number}`}> · {cell.try_number}×</span>}
              </span>
            )}
          </span>
        </>
      )}
    </div>
  );
}

export function GroupCard({data}: NodeProps<GroupCardNode>) {
  const {node, cell, direction, open, toggle} = data;
  const far = useContext(Far);
  const state = cell?.state ?? null;
  const head = (
    <button
      type="button"
      className="group-head nopan"
      tabIndex={-1}
      aria-expanded={open}
      title={node.tooltip ?? node.id}
      onClick={(event) => {
        event.stopPropagation();
        toggle(node.id);
      }}
    >
      <ChevronIcon />
      <span className="task-card-name">{node.label}</span>
      {node.mapped && <span className="task-card-count">mapped</span>}
      {open && cell?.states && (
        <span className="group-done">{`${endedOf(cell.states)} of ${totalOf(cell.states)}`}</span>
      )}
    </button>
  );
  if (open) {
    return (
      <div className={`group-box ${stateClass(state)}`} data-far={far || undefined} data-group={node.id}>
        <Ends direction={direction} />
        <span className="group-line">
          {head}
          {!far && <GroupButton group={node} />}
        </span>
      </div>
    );
  }
  return (
    <div
      className={`task-card group-card ${stateClass(state)}`}
      data-far={far || undefined}
      data-group={node.id}
      data-state={state ?? 'none'}
      title={far ? node.id : undefined}
    >
      <Ends direction={direction} />
      {!far && (
        <>
          <span className="group-line">
            {head}
            <GroupButton group={node} />
          </span>
          <span className="task-card-line">
            {cell?.states ? (
              <Many cell={cell} />
            ) : (
              <span className="task-card-kind">
                {node.tasks.length} {node.tasks.length === 1 ? 'task' : 'tasks'}
              </span>
            )}
          </span>
        </>
      )}
    </div>
  );
}
