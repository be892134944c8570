"""HTTP clients of Python, each in a module that a measuring process imports.

`prepare(task)` of such a module returns the work: to bring all files of `task.options["files"]` here over
`CONNECTIONS` connections, check their md5, write them as they arrive, and rename them when they are complete.
"""

CONNECTIONS = 16

CLIENTS = {
    "pyreqwest": "with_pyreqwest",
    "obstore": "with_obstore",
    "http.client": "with_http_client",
    "urllib3": "with_urllib3",
    "aiohttp": "with_aiohttp",
    "pycurl": "with_pycurl",
}
"""The module of each client, by the name under which it is imported."""
