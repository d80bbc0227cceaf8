// {{ name }}: written by Bitfold. The comments name the lines of Python that each line comes from.
#include "{{ name }}.h"
{% if weights %}
#include "weights.h"
{% endif %}

{{ text }}
