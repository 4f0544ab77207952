// A schedule in few words. What the author wrote is the shortest for crons and presets; of a mapping the description says more.
import type {Dag} from '../api/types';

export function scheduleText({
  timetable_summary: written,
  timetable_description: described,
}: Pick<Dag, 'timetable_summary' | 'timetable_description'>): string | null {
  if (!written) return null;
  if (!/^[[{]/.test(written)) return written;
  return described && described.length <= 80 ? described : written;
}
