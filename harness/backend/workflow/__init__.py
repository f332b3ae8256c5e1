"""System 3: training plans, made by a ChatKit workflow that is polled for its answer."""
