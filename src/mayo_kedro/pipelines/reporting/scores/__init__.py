"""How good the predictions are, beside what needs no network."""
