"""A training process in Python for the tests of bad file systems, as trainer.cc: logs at a rate, times every call.

Usage: trainer.py REPORT_DESCRIPTOR DIRECTORY ROWS_PER_SECOND
"""

import mmap
import os
import resource
import sys
import time

import wb

# The numbers of tests/freeze/report.h, in order; then one bit a call.
(TO_FINISH, PHASE, OPEN_NS, CALLED, ACCEPTED, DROPPED, WORST_NS, DISTURBED, DISTURBED_NS, SLEPT, SLEPT_NS, FINISH_AT_NS,
 FINISH_WAITED_NS) = range(13)
BITS_AT = 128


_schedule = os.open("/proc/self/schedstat", os.O_RDONLY)


def waited_for_processor_ns():
    return int(os.pread(_schedule, 128, 0).split()[1])


def train(report, numbers, directory, rate):
    begin = time.monotonic_ns()
    run = wb.init(id="run", dir=directory)
    numbers[OPEN_NS] = time.monotonic_ns() - begin
    numbers[PHASE] = 1
    start, call = time.monotonic(), 0
    while not numbers[TO_FINISH]:
        time.sleep(max(0.0, start + call / rate - time.monotonic()))
        row = {f"metric/{i}": call / i for i in range(1, 10)}
        row["metric/0"] = call
        before, waited = resource.getrusage(resource.RUSAGE_THREAD), waited_for_processor_ns()
        begin = time.monotonic_ns()
        run.log(row)
        took = time.monotonic_ns() - begin
        numbers[WORST_NS] = max(numbers[WORST_NS], took - (waited_for_processor_ns() - waited))
        after = resource.getrusage(resource.RUSAGE_THREAD)
        numbers[ACCEPTED], numbers[DROPPED], accepted_before = *run._counts, numbers[ACCEPTED]
        if numbers[ACCEPTED] > accepted_before:
            report[BITS_AT + call // 8] |= 1 << call % 8
        if after.ru_nvcsw != before.ru_nvcsw:
            numbers[SLEPT] += 1
            numbers[SLEPT_NS] = max(numbers[SLEPT_NS], took)
        elif after.ru_nivcsw != before.ru_nivcsw:
            numbers[DISTURBED] += 1
            numbers[DISTURBED_NS] = max(numbers[DISTURBED_NS], took)
        call += 1
        numbers[CALLED] = call
    numbers[FINISH_WAITED_NS] = waited_for_processor_ns()
    numbers[FINISH_AT_NS] = time.monotonic_ns()
    numbers[PHASE] = 2
    # The run is finished as the program ends, as in most programs: nobody calls finish().


def main():
    report = mmap.mmap(int(sys.argv[1]), os.fstat(int(sys.argv[1])).st_size)
    train(report, memoryview(report)[:BITS_AT].cast("Q"), sys.argv[2], float(sys.argv[3]))


if __name__ == "__main__":
    main()
