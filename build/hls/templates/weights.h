// The constants of {{ name }}, as the kernels read them. Included once, by {{ name }}.cpp.
#ifndef WEIGHTS_H
#define WEIGHTS_H

#include "bitfold.h"
{% for rom in roms %}

// {{ rom.about }}
BITFOLD_ROM({{ rom.type }}, {{ rom.name }}, {{ rom.dims }}) = {{ rom.text }};
BITFOLD_ROM_END({{ rom.type }}, {{ rom.name }}, {{ rom.dims }})
{% endfor %}

#endif  // WEIGHTS_H
