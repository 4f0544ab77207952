import {describe, expect, it} from 'vitest';
import {diffTexts} from './diff';

const lines = (count: number) => Array.from({length: count}, (_, i) => `line ${i + 1}`);

describe('diffTexts', () => {
  it('shows changed lines with the numbers of both sides and a few around them', () => {
    const before = lines(40);
    const after = [...before];
    after[19] = 'changed';
    after.splice(30, 0, 'new');
    const {rows, added, removed} = diffTexts(before.join('\n') + '\n', after.join('\n') + '\n', 2);
    expect([added, removed]).toEqual([2, 1]);
    expect(
      rows.map((row) =>
        row.kind === 'gap' ? `… ${row.skipped}` : `${row.kind} ${row.before ?? ''}/${row.after ?? ''}`,
      ),
    ).toEqual([
      '… 17',
      'same 18/18',
      'same 19/19',
      'removed 20/',
      'added /20',
      'same 21/21',
      'same 22/22',
      '… 6',
      'same 29/29',
      'same 30/30',
      'added /31',
      'same 31/32',
      'same 32/33',
      '… 8',
    ]);
  });

  it('has nothing to show of texts that are the same, and all of one that was empty', () => {
    expect(diffTexts('a\nb\n', 'a\nb\n')).toMatchObject({added: 0, removed: 0});
    expect(diffTexts('', 'a\nb').rows.map((row) => row.kind)).toEqual(['added', 'added']);
  });
});
