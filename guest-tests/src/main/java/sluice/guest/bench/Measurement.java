package sluice.guest.bench;

/**
 * One round of one workload.
 *
 * @param value in the workload's unit
 * @param operations number of operations
 * @param p50Micros median time of an operation, or 0 if not timed individually
 * @param p99Micros as p50Micros
 * @param cpuMillis CPU time of the back-end; the kernel counts it in steps of 10 ms
 */
record Measurement(double value, long operations, double p50Micros, double p99Micros, long cpuMillis) {
    /** A value that no operation was done for. */
    static Measurement of(double value) {
        return new Measurement(value, 1, 0, 0, 0);
    }
}
