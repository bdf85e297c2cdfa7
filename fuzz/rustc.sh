#!/bin/sh
# The compiler as `make fuzz` calls it for the crates of this repository: coverage counters and the
# operands of comparisons for libFuzzer. What they use is left as the tests have it, so that little is built.
exec "$@" --cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares
