"""A process network called from C: the source that sets up the workspace of its scheduler."""

from __future__ import annotations

from bitfold.build.llvm import turns
from bitfold.build.llvm.network import Layout, Workspace

_SOURCE = """\
/* {name}: the memory of the kernels that take turns, and a call of them. Compile and link with {name}.o. */
#include "{name}.h"

#include <stdlib.h>
#include <string.h>

#ifdef __cplusplus
extern "C"
#endif
void {name}_network(int64_t count, void *workspace, {parameters});

/* Words of the workspace that are not 0: position, value, and whether that counts from the start. */
static const int64_t words[][3] = {{
{words}
}};

int64_t {name}_batch(int64_t count, {parameters}) {{
  char *memory = (char *)calloc(1, {size} + 64);
  if (memory == NULL) return -2;
  int64_t *workspace = (int64_t *)(memory + (64 - (uintptr_t)memory % 64));
  for (size_t i = 0; i < sizeof words / sizeof *words; ++i)
    workspace[words[i][0]] = words[i][1] + (words[i][2] ? (int64_t)(intptr_t)workspace : 0);
  {name}_network(count, workspace, {arguments});
  int64_t failed = workspace[{failed}];
  free(memory);
  return failed < 0 ? -1 : failed;
}}
"""


def network_source(name: str, layout: Layout, parameters: str, arguments: str) -> str:
    """`NAME.c`: `NAME_batch`, which makes the workspace and calls `NAME_network` of the object file.

    It returns the first call whose kernels did not come to a proper end, -1 when all did, -2 without memory.
    """
    here, there = Workspace(layout), Workspace(layout)
    words = []
    for i, (a, b) in enumerate(zip(here.words.tolist(), there.words.tolist(), strict=True)):
        if a != b:
            words.append(f"  {{{i}, {a - here.address}, 1}},")
        elif a:
            words.append(f"  {{{i}, {a}, 0}},")
    return _SOURCE.format(
        name=name,
        parameters=parameters,
        arguments=arguments,
        words="\n".join(words),
        size=layout.size,
        failed=turns.FAILED,
    )
