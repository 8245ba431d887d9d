// Programs in other languages are bundled as text.

declare module '*.rs' {
  const text: string;
  export default text;
}
