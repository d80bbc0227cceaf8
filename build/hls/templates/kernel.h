// {{ name }} for the {{ device.name }}: the ports of the top function.
#ifndef {{ guard }}
#define {{ guard }}

#include "bitfold.h"

{{ prototype }};

#endif  // {{ guard }}
