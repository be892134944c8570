"""Files of a DagsHub repository, read by URL as if they lay here.

The path of a file: `filesystem` (its URL) → `repository` (its entry at one commit) → `transport`
(its bytes over HTTP) → `integrity` (are they the declared ones?) → `cache` (kept on disk) →
`images` (decoded, or streamed in the order of training).
"""
