"""What ``personahub evaluate`` measures: diversity, methods side by side, similarity, coverage."""
