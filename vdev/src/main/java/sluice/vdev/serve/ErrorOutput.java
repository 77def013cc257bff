package sluice.vdev.serve;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Standard error, written by a separate thread, so that no other thread blocks when its reader is slow. Lines beyond
 * the limit are dropped, and the next line reports how many.
 */
public final class ErrorOutput {
    /** Limit of pending lines. */
    static final int MOST_LINES = 4096;
    private static final ErrorOutput PROCESS = new ErrorOutput(new StandardError());

    private final ArrayBlockingQueue<LogLine> waiting = new ArrayBlockingQueue<>(MOST_LINES);
    private final AtomicLong accepted = new AtomicLong();
    private final AtomicLong leftOut = new AtomicLong();
    private volatile Target target;
    private long written;

    /** Where lines go, one after the other, on one thread. */
    interface Target {
        /** @throws IOException the line is lost */
        void write(LogLine line) throws IOException;
    }

    /** Delegates to System.err at the time of each write. */
    private static final class StandardError extends OutputStream {
        @Override
        public void write(int one) {
            System.err.write(one);
        }

        @Override
        public void write(byte[] bytes, int offset, int length) {
            System.err.write(bytes, offset, length);
        }

        @Override
        public void flush() {
            System.err.flush();
        }
    }

    /** @param out written by the thread only */
    ErrorOutput(OutputStream out) {
        target = line -> {
            out.write(line.text().getBytes(StandardCharsets.UTF_8));
            out.flush();
        };
        Thread.ofPlatform().name("sluice-log").daemon().start(this::writeAll);
    }

    /** That of this process. */
    public static ErrorOutput ofProcess() {
        return PROCESS;
    }

    /** From the next line on they go there. */
    void setTarget(Target next) {
        target = next;
    }

    /** Queues a text, with its line end. On any thread; never blocks. */
    public void write(String text) {
        write(new LogLine(null, "", text.stripTrailing()));
    }

    /** The same with a level. */
    void write(LogLine line) {
        // Counted first, so that a flush never misses a line.
        accepted.incrementAndGet();
        if (waiting.offer(line)) return;
        accepted.decrementAndGet();
        leftOut.incrementAndGet();
    }

    /** Waits, at most {@code limit}, until all texts queued before are written; returns whether they are. */
    public synchronized boolean flush(Duration limit) {
        long end = System.nanoTime() + limit.toNanos();
        long all = accepted.get();
        try {
            while (written < all) {
                long left = (end - System.nanoTime()) / 1_000_000;
                if (left <= 0) return false;
                wait(left);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
        return true;
    }

    private void writeAll() {
        try {
            while (true) {
                LogLine line = waiting.take();
                long missing = leftOut.getAndSet(0);
                if (missing > 0)
                    put(new LogLine(null, "", missing + " lines were dropped: standard error was not read"));
                put(line);
                countWritten();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private synchronized void countWritten() {
        written++;
        notifyAll();
    }

    private void put(LogLine line) {
        try {
            target.write(line);
        } catch (IOException e) {
            // Its reader has closed it. There is no other place to report that, and the devices continue.
            leftOut.incrementAndGet();
        }
    }
}
