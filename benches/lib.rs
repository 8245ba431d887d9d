//! Benchmarks of AI Duet; README.md tells the method and the results.
