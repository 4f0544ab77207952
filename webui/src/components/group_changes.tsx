// Runs the tasks of a group again or marks them, in the selected run. Whatever draws a group offers it; the page has the dialog once.
import {createContext, useCallback, useContext, useState, type ReactNode} from 'react';
import {ChangeDialog, type Action} from './change_dialog';
import {DotsIcon} from './icons';
import {useCan} from '../api/queries';
import type {GroupNode} from '../graph/structure';

type Change = (group: GroupNode, action?: Action) => void;
const Offer = createContext<Change | null>(null);

// run null: there is none yet, and nothing to change.
export function GroupChanges({dag, run, children}: {dag: string; run: string | null; children: ReactNode}) {
  const writes = useCan('write');
  const [changing, setChanging] = useState<{group: GroupNode; action: Action} | null>(null);
  const change = useCallback<Change>((group, action = 'clear') => setChanging({group, action}), []);
  return (
    <Offer.Provider value={writes && run !== null ? change : null}>
      {children}
      {changing !== null && run !== null && (
        <ChangeDialog
          dag={dag}
          run={run}
          task={changing.group.id}
          group={changing.group.tasks.length}
          initial={changing.action}
          onClose={() => setChanging(null)}
        />
      )}
    </Offer.Provider>
  );
}

const kKeys: Record<string, Action> = {c: 'clear', m: 'success'};

// For what has the keyboard's focus on a group: c and m mean the group then, and not the run. True when it was one of them.
export function useGroupKeys(): (key: string, group: GroupNode) => boolean {
  const change = useContext(Offer);
  return (key, group) => {
    const action = kKeys[key];
    if (action === undefined || change === null) return false;
    change(group, action);
    return true;
  };
}

export function GroupButton({group}: {group: GroupNode}) {
  const change = useContext(Offer);
  if (change === null) return null;
  return (
    <button
      type="button"
      className="group-change nopan"
      tabIndex={-1}
      aria-label={`Change ${group.id}`}
      title="Run the group again or mark it, in the selected run (c, m)"
      onClick={(event) => {
        event.stopPropagation();
        change(group);
      }}
    >
      <DotsIcon />
    </button>
  );
}
