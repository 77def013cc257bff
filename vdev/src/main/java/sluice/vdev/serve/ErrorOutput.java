package sluice.vdev.serve;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Standard error, written by a thread of its own: nobody else waits when its reader does not read. Lines that find no room are
 * left out, and the next line that is written says how many.
 */
public final class ErrorOutput {
    /** Lines that wait to be written. */
    static final int MOST_LINES = 4096;
    private static final ErrorOutput PROCESS = new ErrorOutput(new StandardError());

    private final OutputStream out;
    private final ArrayBlockingQueue<String> waiting = new ArrayBlockingQueue<>(MOST_LINES);
    private final AtomicLong accepted = new AtomicLong();
    private final AtomicLong leftOut = new AtomicLong();
    private long written;

    /** Standard error as it is when a line is written. */
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

    /** @param out is written by the thread alone */
    ErrorOutput(OutputStream out) {
        this.out = out;
        Thread.ofPlatform().name("sluice-log").daemon().start(this::writeAll);
    }

    /** That of this process. */
    public static ErrorOutput ofProcess() {
        return PROCESS;
    }

    /** Has a text written soon, with its line end; on any thread, without waiting. */
    public void write(String text) {
        // Counted first, so that a flush never sees fewer than there are.
        accepted.incrementAndGet();
        if (waiting.offer(text)) return;
        accepted.decrementAndGet();
        leftOut.incrementAndGet();
    }

    /** Waits until everything that was to be written before is written, at most {@code limit}; says whether it is. */
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
                String text = waiting.take();
                long missing = leftOut.getAndSet(0);
                if (missing > 0) write(out, "%d lines were dropped: standard error was not read%n".formatted(missing));
                write(out, text);
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

    private static void write(OutputStream out, String text) {
        try {
            out.write(text.getBytes(StandardCharsets.UTF_8));
            out.flush();
        } catch (IOException e) {
            // Its reader has gone. There is no other place to say so, and the devices go on.
            return;
        }
    }
}
