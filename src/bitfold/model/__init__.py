"""Models of what a scheduled program costs in hardware."""
