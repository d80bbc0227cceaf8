"""The scheduler of process networks, as MLIR: kernels on stacks of their own, which take turns in one thread.

A process that must wait notes what for and goes back to the scheduler's stack, which lets each process that
can go on run until it waits again, in the order of the calls, round after round, until none can. That is the
order in which `bitfold.ir.dataflow` runs the same network as Python.

A process gets its stack from libc's makecontext. Later switches are _setjmp and _longjmp, some twenty times
as fast as swapcontext, which asks the operating system for the signal mask each time.
"""

from __future__ import annotations

from bitfold.lowering.channel_memory import CONSUMER, COUNT, FIRST, LIMIT, WORDS

# The words of a workspace; from PARAMS on, where the arrays of each parameter of the top kernel are.
MAIN, PROCESSES, PROCESS_COUNT, CHANNELS, CHANNEL_COUNT, IMAGE, FAILED, PARAMS = range(8)
# The words of a process. EARLIER is where the addresses of the processes are that must be over first.
CONTEXT, WORKSPACE, NUMBER, STACK, STACK_BYTES, EARLIER, EARLIER_COUNT, STATE, CHANNEL, TO_PUT = range(10)
PROCESS_WORDS = 10
# uc_link, and base and size of uc_stack, in bytes from the start of a ucontext_t: glibc, all 64-bit targets.
_LINK, _STACK, _STACK_BYTES = 8, 16, 32
CONTEXT_BYTES = 8192
"""More than glibc's ucontext_t or jmp_buf on any 64-bit target (968 bytes on x86-64, 4560 on AArch64)."""
LIBC = ("getcontext", "makecontext", "setcontext", "_setjmp", "_longjmp")
"""What the scheduler needs from libc."""

_NEW, _STARTED, _OVER = range(3)


def _place(name: str, base: str, word: int) -> str:
    return f"%{name}_at = llvm.getelementptr %{base}[{word}] : (!llvm.ptr) -> !llvm.ptr, i64"


def _load(name: str, base: str, word: int, type: str = "i64") -> str:
    return f"{_place(name, base, word)}\n%{name} = llvm.load %{name}_at : !llvm.ptr -> {type}"


def _pointer(name: str, base: str, word: int) -> str:
    return _load(name, base, word, "!llvm.ptr")


def _store(value: str, base: str, word: int, type: str = "i64") -> str:
    place = f"{base}_{word}_for_{value}"
    return f"{_place(place, base, word)}\nllvm.store %{value}, %{place}_at : {type}, !llvm.ptr"


def _context(value: str, offset: int, type: str) -> str:
    return f"""%place_{offset} = llvm.getelementptr %context[{offset}] : (!llvm.ptr) -> !llvm.ptr, i8
llvm.store %{value}, %place_{offset} : {type}, !llvm.ptr"""


def _record(name: str, table: str, words: int) -> str:
    return f"""%{name}_words = arith.constant {words} : i64
%{name}_first = arith.muli %i, %{name}_words : i64
%{name} = llvm.getelementptr %{table}[%{name}_first] : (!llvm.ptr, i64) -> !llvm.ptr, i64"""


SCHEDULER = f"""
llvm.func @getcontext(!llvm.ptr) -> i32
llvm.func @makecontext(!llvm.ptr, !llvm.ptr, i32, ...)
llvm.func @setcontext(!llvm.ptr) -> i32
llvm.func @_setjmp(!llvm.ptr) -> i32 attributes {{passthrough = ["returns_twice"]}}
llvm.func @_longjmp(!llvm.ptr, i32) attributes {{passthrough = ["noreturn"]}}
func.func private @bitfold_process(i64, !llvm.ptr)
func.func private @bitfold_fill(!llvm.ptr)

// Called by a kernel: leave the processor to the others until there is room in the channel, or an element.
func.func private @bitfold_wait(%channel: !llvm.ptr, %to_put: i64) {{
  %process = func.call @bitfold_end(%channel, %to_put) : (!llvm.ptr, i64) -> !llvm.ptr
  {_store("channel", "process", CHANNEL, "!llvm.ptr")}
  {_store("to_put", "process", TO_PUT)}
  func.call @bitfold_leave(%process) : (!llvm.ptr) -> ()
  return
}}

// Called by a kernel: let the others have a turn.
func.func private @bitfold_pass(%channel: !llvm.ptr, %to_put: i64) {{
  %process = func.call @bitfold_end(%channel, %to_put) : (!llvm.ptr, i64) -> !llvm.ptr
  func.call @bitfold_leave(%process) : (!llvm.ptr) -> ()
  return
}}

// The process at one end of a channel.
func.func private @bitfold_end(%channel: !llvm.ptr, %to_put: i64) -> !llvm.ptr {{
  %consumer = arith.constant {CONSUMER} : i64
  %end = arith.subi %consumer, %to_put : i64
  %end_at = llvm.getelementptr %channel[%end] : (!llvm.ptr, i64) -> !llvm.ptr, i64
  %process = llvm.load %end_at : !llvm.ptr -> !llvm.ptr
  return %process : !llvm.ptr
}}

// Go to the scheduler's stack, and come back when it resumes the process.
func.func private @bitfold_leave(%process: !llvm.ptr) {{
  {_pointer("context", "process", CONTEXT)}
  %zero = arith.constant 0 : i32
  %back = llvm.call @_setjmp(%context) : (!llvm.ptr) -> i32
  %leaves = arith.cmpi eq, %back, %zero : i32
  scf.if %leaves {{
    func.call @bitfold_to_main(%process) : (!llvm.ptr) -> ()
  }}
  return
}}

func.func private @bitfold_to_main(%process: !llvm.ptr) {{
  {_pointer("workspace", "process", WORKSPACE)}
  {_pointer("main", "workspace", MAIN)}
  %one = arith.constant 1 : i32
  llvm.call @_longjmp(%main, %one) : (!llvm.ptr, i32) -> ()
  return
}}

// Where a process starts, on its own stack; makecontext passes the address of its record in two halves.
llvm.func internal @bitfold_start(%low: i32, %high: i32) {{
  %bits = llvm.mlir.constant(32 : i64) : i64
  %upper = llvm.zext %high : i32 to i64
  %lower = llvm.zext %low : i32 to i64
  %shifted = llvm.shl %upper, %bits : i64
  %both = llvm.or %shifted, %lower : i64
  %process = llvm.inttoptr %both : i64 to !llvm.ptr
  {_load("number", "process", NUMBER)}
  {_pointer("workspace", "process", WORKSPACE)}
  func.call @bitfold_process(%number, %workspace) : (i64, !llvm.ptr) -> ()
  %over = llvm.mlir.constant({_OVER} : i64) : i64
  {_store("over", "process", STATE)}
  func.call @bitfold_to_main(%process) : (!llvm.ptr) -> ()
  llvm.return
}}

// Let a process go on until it comes back here.
func.func private @bitfold_resume(%process: !llvm.ptr) {{
  {_pointer("context", "process", CONTEXT)}
  {_pointer("workspace", "process", WORKSPACE)}
  {_pointer("main", "workspace", MAIN)}
  {_load("state", "process", STATE)}
  %nothing = llvm.mlir.zero : !llvm.ptr
  {_store("nothing", "process", CHANNEL, "!llvm.ptr")}
  %zero = arith.constant 0 : i32
  %one = arith.constant 1 : i32
  %new = arith.constant {_NEW} : i64
  %back = llvm.call @_setjmp(%main) : (!llvm.ptr) -> i32
  %leaves = arith.cmpi eq, %back, %zero : i32
  scf.if %leaves {{
    %is_new = arith.cmpi eq, %state, %new : i64
    scf.if %is_new {{
      func.call @bitfold_begin(%process) : (!llvm.ptr) -> ()
    }} else {{
      llvm.call @_longjmp(%context, %one) : (!llvm.ptr, i32) -> ()
    }}
  }}
  return
}}

// Start a process on its stack.
func.func private @bitfold_begin(%process: !llvm.ptr) {{
  {_pointer("context", "process", CONTEXT)}
  %got = llvm.call @getcontext(%context) : (!llvm.ptr) -> i32
  {_pointer("stack", "process", STACK)}
  {_load("bytes", "process", STACK_BYTES)}
  %nothing = llvm.mlir.zero : !llvm.ptr
  {_context("nothing", _LINK, "!llvm.ptr")}
  {_context("stack", _STACK, "!llvm.ptr")}
  {_context("bytes", _STACK_BYTES, "i64")}
  %bits = arith.constant 32 : i64
  %both = llvm.ptrtoint %process : !llvm.ptr to i64
  %low = arith.trunci %both : i64 to i32
  %upper = arith.shrui %both, %bits : i64
  %high = arith.trunci %upper : i64 to i32
  %start = llvm.mlir.addressof @bitfold_start : !llvm.ptr
  %two = arith.constant 2 : i32
  llvm.call @makecontext(%context, %start, %two, %low, %high)
    vararg(!llvm.func<void (ptr, ptr, i32, ...)>) : (!llvm.ptr, !llvm.ptr, i32, i32, i32) -> ()
  %started = arith.constant {_STARTED} : i64
  {_store("started", "process", STATE)}
  %ignored = llvm.call @setcontext(%context) : (!llvm.ptr) -> i32
  return
}}

func.func private @bitfold_is_over(%process: !llvm.ptr) -> i1 {{
  {_load("state", "process", STATE)}
  %end = arith.constant {_OVER} : i64
  %over = arith.cmpi eq, %state, %end : i64
  return %over : i1
}}

// Whether a process can go on: what it waits for is there, or it is new and all that comes before is over.
func.func private @bitfold_can_go_on(%process: !llvm.ptr) -> i1 {{
  %false = arith.constant false
  %true = arith.constant true
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %over = func.call @bitfold_is_over(%process) : (!llvm.ptr) -> i1
  %can = scf.if %over -> i1 {{
    scf.yield %false : i1
  }} else {{
    {_pointer("channel", "process", CHANNEL)}
    %channel_bits = llvm.ptrtoint %channel : !llvm.ptr to i64
    %waits = arith.cmpi ne, %channel_bits, %zero : i64
    %ready = scf.if %waits -> i1 {{
      {_load("count", "channel", COUNT)}
      {_load("limit", "channel", LIMIT)}
      {_load("to_put", "process", TO_PUT)}
      %room = arith.cmpi ult, %count, %limit : i64
      %some = arith.cmpi ne, %count, %zero : i64
      %puts = arith.cmpi ne, %to_put, %zero : i64
      %there = arith.select %puts, %room, %some : i1
      scf.yield %there : i1
    }} else {{
      {_pointer("earlier", "process", EARLIER)}
      {_load("earlier_count", "process", EARLIER_COUNT)}
      %all = scf.for %i = %zero to %earlier_count step %one iter_args(%before = %true) -> (i1) : i64 {{
        %at = llvm.getelementptr %earlier[%i] : (!llvm.ptr, i64) -> !llvm.ptr, i64
        %other = llvm.load %at : !llvm.ptr -> !llvm.ptr
        %other_over = func.call @bitfold_is_over(%other) : (!llvm.ptr) -> i1
        %both = arith.andi %before, %other_over : i1
        scf.yield %both : i1
      }}
      scf.yield %all : i1
    }}
    scf.yield %ready : i1
  }}
  return %can : i1
}}

// Run the network once from its start; whether every process came to its end and every channel is empty.
func.func private @bitfold_run(%workspace: !llvm.ptr) -> i1 {{
  %false = arith.constant false
  %true = arith.constant true
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  {_pointer("processes", "workspace", PROCESSES)}
  {_load("process_count", "workspace", PROCESS_COUNT)}
  {_pointer("channels", "workspace", CHANNELS)}
  {_load("channel_count", "workspace", CHANNEL_COUNT)}
  scf.for %i = %zero to %process_count step %one : i64 {{
    {_record("process", "processes", PROCESS_WORDS)}
    {_store("zero", "process", STATE)}
    {_store("zero", "process", CHANNEL)}
  }}
  scf.for %i = %zero to %channel_count step %one : i64 {{
    {_record("channel", "channels", WORDS)}
    {_store("zero", "channel", FIRST)}
    {_store("zero", "channel", COUNT)}
  }}
  func.call @bitfold_fill(%workspace) : (!llvm.ptr) -> ()
  scf.while (%going = %true) : (i1) -> () {{
    scf.condition(%going)
  }} do {{
    %went = scf.for %i = %zero to %process_count step %one iter_args(%any = %false) -> (i1) : i64 {{
      {_record("process", "processes", PROCESS_WORDS)}
      %can = func.call @bitfold_can_go_on(%process) : (!llvm.ptr) -> i1
      scf.if %can {{
        func.call @bitfold_resume(%process) : (!llvm.ptr) -> ()
      }}
      %either = arith.ori %any, %can : i1
      scf.yield %either : i1
    }}
    scf.yield %went : i1
  }}
  %over = scf.for %i = %zero to %process_count step %one iter_args(%all = %true) -> (i1) : i64 {{
    {_record("process", "processes", PROCESS_WORDS)}
    %this = func.call @bitfold_is_over(%process) : (!llvm.ptr) -> i1
    %both = arith.andi %all, %this : i1
    scf.yield %both : i1
  }}
  %ended = scf.for %i = %zero to %channel_count step %one iter_args(%all = %over) -> (i1) : i64 {{
    {_record("channel", "channels", WORDS)}
    {_load("count", "channel", COUNT)}
    %this = arith.cmpi eq, %count, %zero : i64
    %both = arith.andi %all, %this : i1
    scf.yield %both : i1
  }}
  return %ended : i1
}}

// Run a batch, up to the first image that does not come to its end; its number is then in the workspace.
func.func private @bitfold_images(%workspace: !llvm.ptr, %images: i64) {{
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  scf.for %i = %zero to %images step %one : i64 {{
    {_load("failed", "workspace", FAILED)}
    %well = arith.cmpi slt, %failed, %zero : i64
    scf.if %well {{
      {_store("i", "workspace", IMAGE)}
      %ended = func.call @bitfold_run(%workspace) : (!llvm.ptr) -> i1
      %still = arith.select %ended, %failed, %i : i64
      {_store("still", "workspace", FAILED)}
    }}
  }}
  return
}}
"""
