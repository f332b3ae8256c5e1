"""What ``pytest --pyargs harness.cases`` collects: the cases of the target that ``--contract-target`` names.

The pytest plugin fills this module: an item for each case and contract, live (``--contract-mode=live``), recorded
(``record``), or from the cassettes of ``--contract-cassettes`` (``replay``, the default). No conftest is needed.
"""
