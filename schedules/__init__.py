"""How networks are laid out in hardware: plain functions over a schedule, to be copied and edited."""
