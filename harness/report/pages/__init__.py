"""A run's report: both notebooks executed, their figures as files, and one page that leads to everything."""
