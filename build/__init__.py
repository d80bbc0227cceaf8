"""Back ends: what turns a lowered MLIR module into something that runs."""
