"""Documents that the installed package reads: the error catalogue."""
