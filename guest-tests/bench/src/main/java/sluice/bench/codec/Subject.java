package sluice.bench.codec;

import java.io.IOException;
import java.lang.management.ManagementFactory;

import com.sun.management.OperatingSystemMXBean;

/** Something that decodes the clip. */
interface Subject {
    /** Decodes it {@code streams} times at once, to the end. */
    void decode(int streams) throws IOException, InterruptedException;

    /** CPU time in nanoseconds that this process has used for what is not the subject's, such as its client. */
    default long foreignCpuNanos() {
        return 0;
    }

    /**
     * One round.
     *
     * @param wallNanos from the first coded picture to the last picture
     * @param cpuNanos of this process, of all threads
     */
    record Round(long wallNanos, long cpuNanos) {}

    /** Decodes it once more, and measures. */
    default Round measure(int streams) throws IOException, InterruptedException {
        OperatingSystemMXBean process = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        long cpu = process.getProcessCpuTime() - foreignCpuNanos();
        long wall = System.nanoTime();
        decode(streams);
        return new Round(System.nanoTime() - wall, process.getProcessCpuTime() - foreignCpuNanos() - cpu);
    }
}
