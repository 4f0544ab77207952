// Import errors as lists of problems with a place: from the structured fields where the server sends them, else from the
// text of the error ("file:line:column: message", then perhaps "did you mean ...").
import type {ImportError, Problem} from '../api/types';

const kPlace = /^(.*?):(\d+)(?::(\d+))?:\s*(?:error:\s*)?(.*)$/;
const kSuggestion = /^\s*(?:suggestion|hint|help)\s*:\s*(.*)$|^\s+(did you mean .*)$/i;

export function problemsOf(error: ImportError): Problem[] {
  const whole = {file: error.filename, line: null, column: null, message: error.stack_trace.trim(), suggestion: null};
  if (error.problems && error.problems.length > 0) {
    return error.problems.map((problem) => ({...whole, ...problem, message: problem.message ?? whole.message}));
  }
  if (error.message) {
    const {line = null, column = null, message, suggestion = null} = error;
    return [{file: error.filename, line, column, message, suggestion}];
  }
  const problems: Problem[] = [];
  for (const text of error.stack_trace.split('\n')) {
    const hint = kSuggestion.exec(text);
    const last = problems.at(-1);
    if (hint && last) {
      last.suggestion = (hint[1] ?? hint[2] ?? '').trim();
      continue;
    }
    const place = kPlace.exec(text);
    if (place) {
      const [, file = error.filename, line, column, message = ''] = place;
      problems.push({file, line: Number(line), column: column ? Number(column) : null, message, suggestion: null});
    } else if (last && text.trim() !== '') {
      last.message += `\n${text}`;
    }
  }
  return problems.length > 0 ? problems : [whole];
}
