"""Files of a DagsHub repository, read by URL as if they lay here.

The path of a file: `filesystem` (its URL) → `repository` (its entry at one commit) → `contents` (here
already?) → `transport` (its bytes over HTTP) → `integrity` (are they the declared ones?) → `cache` (kept on
disk) → `prefetch` (ahead of its use) → `images` (by id) → `loader` (in batches, in the order of training).
The way back: `writing` (files, transactions) → `upload` → `sending` (one commit).
"""
