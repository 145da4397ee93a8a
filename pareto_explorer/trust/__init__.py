"""What strangers send: files as data, code only when asked for, no secrets told on.

A file is read once, at this boundary, into plain values, and whatever is too large, too deep or
ambiguous in it is refused in a sentence. Nothing that a file names is imported from here unless it
is found to be the user's own.

>>> from pareto_explorer.trust.files import parse_yaml
>>> parse_yaml("steps: 010", "sweep.yaml")
{'steps': '010'}
>>> from pareto_explorer.trust.redaction import redacted
>>> redacted("s3://key:secret@bucket/run")
's3://bucket/run'

| module | what it does |
|---|---|
| ``files`` | reads YAML and JSON, and files that somebody else may have put there |
| ``own_code`` | finds what ``module:name`` means, and whether it may be called |
| ``redaction`` | takes secrets out of addresses and commands |
| ``search_path`` | puts the working directory last where modules are looked for |

All of it is private to the package. Modules are imported by name: ``search_path`` has to come
before anything else can be imported safely.
"""

__all__: list[str] = []
