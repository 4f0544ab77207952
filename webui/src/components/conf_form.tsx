// The fields of a conf, in the sections that their params name, each with what is wrong with it beside it.
import type {ConfState} from './use_conf';
import type {Field} from '../format/params';

// told: what the scheduler said about fields; it stays until they change.
export function ConfForm({state, told}: {state: ConfState; told?: ReadonlyMap<string, string>}) {
  const {fields, texts, setText, json, setJson, showJson, problems, problem} = state;
  const sections = [...new Set(fields.map((field) => field.section))];
  return (
    <>
      {fields.length > 0 && (
        <div className="form-tabs segments" role="group" aria-label="Parameters as">
          <button type="button" aria-pressed={json === null} onClick={() => showJson(false)}>
            Parameters
          </button>
          <button type="button" aria-pressed={json !== null} onClick={() => showJson(true)}>
            JSON
          </button>
        </div>
      )}
      {json === null ? (
        sections.map((section) => (
          <fieldset key={section} className="form-section">
            {section !== '' && <legend>{section}</legend>}
            {fields
              .filter((field) => field.section === section)
              .map((field) => (
                <ParamField
                  key={field.name}
                  field={field}
                  text={texts[field.name] ?? ''}
                  problem={problems.get(field.name) ?? told?.get(field.name) ?? null}
                  onChange={(text) => setText(field.name, text)}
                />
              ))}
          </fieldset>
        ))
      ) : (
        <label className="field">
          <span className="field-name">
            Configuration <span className="faint">JSON</span>
          </span>
          <textarea
            name="conf"
            rows={8}
            spellCheck={false}
            className="mono"
            aria-invalid={problem !== null}
            value={json}
            onChange={(event) => setJson(event.target.value)}
          />
          {problem && <span className="field-problem">{problem}</span>}
          {fields.length === 0 && (
            <span className="field-note">The DAG names no params; templates read what is here as params.NAME.</span>
          )}
        </label>
      )}
    </>
  );
}

interface FieldProps {
  field: Field;
  text: string;
  problem: string | null;
  onChange: (text: string) => void;
}

function ParamField({field, text, problem, onChange}: FieldProps) {
  const about = (
    <>
      {field.description && <span className="field-note">{field.description}</span>}
      {problem && (
        <span className="field-problem" role="alert">
          {problem}
        </span>
      )}
    </>
  );
  if (field.kind === 'boolean') {
    return (
      <label className="field field-check" data-param={field.name}>
        <input
          type="checkbox"
          name={field.name}
          checked={text === 'true'}
          onChange={(event) => onChange(String(event.target.checked))}
        />
        <span className="field-name">{field.title}</span>
        {about}
      </label>
    );
  }
  const name = (
    <span className="field-name">
      {field.title}
      {field.title !== field.name && <span className="faint"> {field.name}</span>}
      {field.required && <span className="faint"> required</span>}
      {field.optional && <span className="faint"> optional</span>}
      {field.kind === 'lines' && <span className="faint"> one a line</span>}
      {field.kind === 'json' && <span className="faint"> JSON</span>}
    </span>
  );
  if (field.kind === 'choices') {
    return (
      <fieldset className="field" data-param={field.name}>
        <legend className="field-name">{field.title}</legend>
        <Several field={field} text={text} onChange={onChange} />
        {about}
      </fieldset>
    );
  }
  return (
    <label className="field" data-param={field.name}>
      {name}
      <Input field={field} text={text} problem={problem} onChange={onChange} />
      {about}
    </label>
  );
}

function Input({field, text, problem, onChange}: FieldProps) {
  const common = {name: field.name, value: text, 'aria-invalid': problem !== null};
  switch (field.kind) {
    case 'choice':
      return (
        <select {...common} onChange={(event) => onChange(event.target.value)}>
          {(field.optional || text === '') && !field.choices.includes('') && <option value="">–</option>}
          {field.choices
            .filter((choice) => choice !== null)
            .map((choice) => (
              <option key={String(choice)} value={String(choice)}>
                {field.labels[String(choice)] ?? String(choice)}
              </option>
            ))}
        </select>
      );
    case 'json':
    case 'lines':
      return (
        <textarea
          {...common}
          rows={Math.min(10, Math.max(2, text.split('\n').length))}
          spellCheck={false}
          className="mono"
          onChange={(event) => onChange(event.target.value)}
        />
      );
    case 'date':
      return <input {...common} type="date" onChange={(event) => onChange(event.target.value)} />;
    default:
      if (field.long) return <textarea {...common} rows={4} onChange={(event) => onChange(event.target.value)} />;
      return (
        <input
          {...common}
          inputMode={field.kind === 'text' ? 'text' : 'decimal'}
          autoComplete="off"
          spellCheck={field.kind === 'text'}
          onChange={(event) => onChange(event.target.value)}
        />
      );
  }
}

// Some of several: its text is the JSON list of those that are chosen, in the order of the choices.
function Several({field, text, onChange}: Omit<FieldProps, 'problem'>) {
  let chosen: unknown[] = [];
  try {
    const value: unknown = JSON.parse(text);
    if (Array.isArray(value)) chosen = value;
  } catch {
    // Nothing is chosen yet.
  }
  const set = (choice: unknown, on: boolean) =>
    onChange(JSON.stringify(field.choices.filter((one) => (one === choice ? on : chosen.includes(one)))));
  return (
    <span className="checks">
      {field.choices.map((choice) => (
        <label key={String(choice)} className="field-check-inline">
          <input
            type="checkbox"
            name={`${field.name}.${String(choice)}`}
            checked={chosen.includes(choice)}
            onChange={(event) => set(choice, event.target.checked)}
          />
          {field.labels[String(choice)] ?? String(choice)}
        </label>
      ))}
    </span>
  );
}
