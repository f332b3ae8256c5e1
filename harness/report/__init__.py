"""What people look at: matrices, summaries, pages."""
