"""System 1: project runs, paid by credits, answered by Groq."""
