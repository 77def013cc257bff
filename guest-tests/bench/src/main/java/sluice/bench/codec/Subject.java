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
     * @param cpuNanos of this process, of all threads but the subject's client
     * @param clientNanos CPU time of that
     */
    record Round(long wallNanos, long cpuNanos, long clientNanos) {
        /** Wall time as if the client had run elsewhere, on a machine whose processors are all busy. */
        long wallWithoutClient(int processors) {
            return wallNanos - clientNanos / processors;
        }
    }

    /** Decodes it once more, and measures. */
    default Round measure(int streams) throws IOException, InterruptedException {
        OperatingSystemMXBean process = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        long client = foreignCpuNanos();
        long cpu = process.getProcessCpuTime();
        long wall = System.nanoTime();
        decode(streams);
        wall = System.nanoTime() - wall;
        client = foreignCpuNanos() - client;
        return new Round(wall, process.getProcessCpuTime() - cpu - client, client);
    }
}
