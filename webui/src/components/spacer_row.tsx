// Stands for rows of a long table that are not in the document (use_row_window.ts).
export function SpacerRow({height}: {height: number}) {
  if (height <= 0) return null;
  return (
    <tr className="spacer-row" aria-hidden="true">
      <td style={{height}} />
    </tr>
  );
}
