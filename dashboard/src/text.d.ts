// Programs in other languages are bundled as text.

declare module '*.go' {
  const text: string;
  export default text;
}

declare module '*.java' {
  const text: string;
  export default text;
}

declare module '*.php' {
  const text: string;
  export default text;
}

declare module '*.rs' {
  const text: string;
  export default text;
}
