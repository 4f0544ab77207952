// The end of a dialog's form: leave it as it is, or do it.
import type {ReactNode} from 'react';

interface Props {
  text: ReactNode;
  disabled: boolean;
  // What cannot be taken back, or stops something.
  danger?: boolean;
  cancel?: string;
  onClose: () => void;
  // Stands before them.
  children?: ReactNode;
}

export function FormEnd({text, disabled, danger = false, cancel = 'Cancel', onClose, children}: Props) {
  return (
    <div className="form-end">
      {children}
      <button type="button" className="button" onClick={onClose}>
        {cancel}
      </button>
      <button type="submit" className={danger ? 'button button-danger' : 'button button-primary'} disabled={disabled}>
        {text}
      </button>
    </div>
  );
}
