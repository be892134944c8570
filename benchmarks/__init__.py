"""Side-by-side measurements of streaming; `benchmarks/README.md` says what and how."""
