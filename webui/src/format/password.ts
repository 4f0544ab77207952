// What the scheduler asks of a password; null where nothing is wrong, or nothing was written yet.
export function passwordProblem(password: string): string | null {
  if (password === '') return null;
  const bytes = new TextEncoder().encode(password).length;
  if (bytes < 8) return 'A password has 8 characters or more';
  return bytes > 1024 ? 'A password has 1,024 characters at most' : null;
}
