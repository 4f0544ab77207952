// Takes terminal colours and other control sequences out of a log line; what stays is plain text.

// CSI (ESC [ ... final), OSC (ESC ] ... BEL or ESC \), and the two-character sequences.
const kSequences =
  /\u001b\[[0-?]*[ -/]*[@-~]|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)|\u001b[@-Z\\-_]|\u009b[0-?]*[ -/]*[@-~]/g;
const kControls = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g;

export function plainText(text: string): string {
  if (text.includes('\u001b') || text.includes('\u009b')) text = text.replace(kSequences, '');
  // A carriage return inside a line is a progress bar that paints over itself: keep what it showed last.
  if (text.includes('\r')) {
    const parts = text.split('\r').filter((part) => part !== '');
    text = parts.at(-1) ?? '';
  }
  return text.replace(kControls, '\uFFFD');
}
