"""The vocabulary: recordings, faults, profiles, verdicts, ledger arithmetic, errors. Pure; imports nothing of ours."""
