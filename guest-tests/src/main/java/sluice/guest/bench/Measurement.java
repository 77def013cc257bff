package sluice.guest.bench;

/**
 * One round of one workload.
 *
 * @param value in the workload's unit
 * @param operations how many were done
 * @param p50Micros median time of one, or 0 if they were not timed one by one
 * @param p99Micros as p50Micros
 * @param cpuMillis processor time the back-end used meanwhile; the kernel counts it in steps of 10 ms
 */
record Measurement(double value, long operations, double p50Micros, double p99Micros, long cpuMillis) {}
