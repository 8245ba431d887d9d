export function KeyUsage(_: { id: string }) {
  return null;
}
