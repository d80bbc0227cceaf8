// {{ name }} for the {{ device.name }}: the ports of the top function.
#ifndef {{ guard }}
#define {{ guard }}

#include "bitfold.h"

{% for note in notes %}
// {{ note }}
{% endfor %}
{{ prototype }};

#endif  // {{ guard }}
