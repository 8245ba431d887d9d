//! Examples of AI Duet; each file in `examples/` is a program of its own.
