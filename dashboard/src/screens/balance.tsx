export function Balance() {
  return null;
}
