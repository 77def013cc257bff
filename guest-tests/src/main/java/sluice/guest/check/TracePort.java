package sluice.guest.check;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.regex.Pattern;

import org.jspecify.annotations.Nullable;

import sluice.guest.SerialLine;

/**
 * The serial line on which a guest prints its kernel's trace: QEMU connects to its socket, and a thread reads. What is kept is bounded,
 * whatever the guest prints. Closing it ends the reading.
 */
final class TracePort implements Closeable {
    private static final int CHUNK = 64 * 1024;
    /** Functions of a chain that are kept. */
    private static final int DEEPEST = 32;
    /** Functions that tell of a call, and are not in its way. */
    private static final Pattern OF_TRACING = Pattern
            .compile(
                    "trace_event_|__traceiter_|do_trace_|perf_|ftrace_|arch_ftrace_|kprobe_|opt_pre_handler|optimized_");

    /**
     * What has arrived of a cell.
     *
     * @param moments the latest calls
     * @param unknown calls before these that are not kept
     * @param hints what the calls say by themselves
     * @param lost calls since the boot that did not arrive
     */
    record Traced(List<Moment> moments, long unknown, List<Finding> hints, long lost) {
        /** Of a machine that does not trace. */
        static final Traced NONE = new Traced(List.of(), 0, List.of(), 0);
    }

    private final SerialLine line;
    private final TracedCalls calls;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    /** The last call, whose chain may follow; guarded by the lock, like the calls. */
    private TraceLine.@Nullable Call last;
    private final List<String> chain = new ArrayList<>();
    /** Whether functions are of the last call's chain. */
    private boolean inChain;
    /** The last mark. */
    private long mark;
    private boolean ended;
    private long told;

    private TracePort(SerialLine line, boolean translated) {
        this.line = line;
        calls = new TracedCalls(translated);
    }

    /**
     * Begins to listen.
     *
     * @param translated as for {@link TracedCalls}
     */
    static TracePort open(boolean translated) throws IOException {
        TracePort port = new TracePort(SerialLine.open("trace"), translated);
        Thread.ofPlatform().daemon().name("trace").start(port::read);
        return port;
    }

    /** QEMU's arguments for it, as the second serial line. */
    List<String> qemuArguments() {
        return line.qemuArguments();
    }

    private void read() {
        try (SocketChannel channel = line.accept(); InputStream in = Channels.newInputStream(channel)) {
            lines(in);
        } catch (IOException closed) {
            // The machine has ended, or this port: that no more comes is told below.
        }
        lock.lock();
        try {
            ended = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Takes all lines; of a line that is too long, its end is left out. */
    void lines(InputStream in) throws IOException {
        byte[] chunk = new byte[CHUNK];
        byte[] line = new byte[TraceLine.LONGEST + 1];
        int length = 0;
        for (int count = in.read(chunk); count >= 0; count = in.read(chunk)) {
            for (int i = 0; i < count; i++) {
                if (chunk[i] == '\n') {
                    take(new String(line, 0, length, StandardCharsets.ISO_8859_1));
                    length = 0;
                } else if (chunk[i] != '\r' && length < line.length) {
                    line[length] = chunk[i];
                    length++;
                }
            }
        }
        if (length > 0) take(new String(line, 0, length, StandardCharsets.ISO_8859_1));
    }

    private void take(String text) {
        TraceLine line = TraceLine.of(text);
        lock.lock();
        try {
            if (!(line instanceof TraceLine.Stack || line instanceof TraceLine.Frame)) addLast();
            switch (line) {
                // One that an interrupt has come between is nobody's.
                case TraceLine.Stack _ -> inChain = last != null && chain.isEmpty();
                case TraceLine.Frame frame -> follow(frame.function());
                case TraceLine.Call call -> last = call;
                case TraceLine.Mark marked -> {
                    mark = marked.number();
                    changed.signalAll();
                }
                case TraceLine.Lost gone -> calls.lose(gone.events());
                case TraceLine.Broken _ -> calls.lose(1);
                case TraceLine.Other _ -> {
                }
            }
        } finally {
            lock.unlock();
        }
    }

    private void follow(String function) {
        if (!inChain || chain.size() == DEEPEST || (chain.isEmpty() && OF_TRACING.matcher(function).lookingAt()))
            return;
        chain.add(function);
    }

    /** The last call's chain is complete. */
    private void addLast() {
        TraceLine.Call call = last;
        if (call != null) calls.add(call.micros(), call.call(), List.copyOf(chain));
        last = null;
        chain.clear();
        inChain = false;
    }

    /**
     * Waits for a mark, and takes what has arrived until then. Calls that do not arrive are lost.
     *
     * @param number of the mark, from 1
     * @param lost calls that the guest has counted as lost, since the boot
     */
    Traced until(long number, long lost, Duration limit) throws InterruptedException {
        long left = limit.toNanos();
        lock.lock();
        try {
            while (mark < number && !ended && left > 0)
                left = changed.awaitNanos(left);
            if (mark < number) {
                addLast();
                calls.lose(1);
            }
            List<Moment> moments = calls.momentsAfter(told);
            Traced traced = new Traced(moments, calls.calls() - told - moments.size(), calls.takeHints(),
                    calls.lost() + lost);
            told = calls.calls();
            return traced;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void close() throws IOException {
        line.close();
    }
}
