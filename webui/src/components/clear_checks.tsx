// What of that which is cleared runs again, and in which version: in the dialog of a task as in that of whole runs.
import type {HowCleared} from '../api/instance_routes';

interface CheckProps {
  name: string;
  text: string;
  title: string;
  checked: boolean;
  onChange: (checked: boolean) => void;
}

export function InlineCheck({name, text, title, checked, onChange}: CheckProps) {
  return (
    <label className="field-check-inline" title={title}>
      <input type="checkbox" name={name} checked={checked} onChange={(event) => onChange(event.target.checked)} />
      {text}
    </label>
  );
}

const kOnly = [
  ['failed', 'onlyFailed', 'Only failed', 'what failed, and what could not run because of it'],
  ['skipped', 'onlySkipped', 'Only skipped', 'what was skipped, by a branch, a rule or by hand'],
] as const;

export function ClearChecks({how, onChange}: {how: HowCleared; onChange: (how: HowCleared) => void}) {
  return (
    <>
      {kOnly.map(([only, name, text, title]) => (
        <InlineCheck
          key={name}
          name={name}
          text={text}
          title={title}
          checked={how.only === only}
          onChange={(checked) => onChange({...how, only: checked ? only : null})}
        />
      ))}
      <InlineCheck
        name="newestVersion"
        text="Newest version"
        title="of the DAG, instead of the one that the run began with; whole runs only"
        checked={how.newestVersion}
        onChange={(newestVersion) => onChange({...how, newestVersion})}
      />
    </>
  );
}
