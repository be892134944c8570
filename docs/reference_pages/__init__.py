"""Pages of the reference, made from the code: no line of them is written by hand."""
