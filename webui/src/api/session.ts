// The login of this browser tab: kept in memory and in sessionStorage, so that it ends with the tab.

const kKey = 'millrace.token';
const kUserKey = 'millrace.user';

let token: string | null = sessionStorage.getItem(kKey);
const listeners = new Set<() => void>();

export function currentToken(): string | null {
  return token;
}

export function currentUser(): string {
  return sessionStorage.getItem(kUserKey) ?? '';
}

export function signIn(newToken: string, user: string): void {
  token = newToken;
  sessionStorage.setItem(kKey, newToken);
  sessionStorage.setItem(kUserKey, user);
  listeners.forEach((tell) => tell());
}

export function signOut(): void {
  token = null;
  sessionStorage.removeItem(kKey);
  listeners.forEach((tell) => tell());
}

export function onSessionChange(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
