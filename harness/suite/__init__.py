"""Selection to cases to recordings to verdicts."""
