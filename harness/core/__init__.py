"""The vocabulary: recordings, faults, profiles, verdicts, ledger arithmetic, errors. Pure, and imports nothing of ours."""
