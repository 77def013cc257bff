package sluice.vdev.device;

import org.jspecify.annotations.Nullable;

/** What makes a function do something again and again until it is stopped: then no tick comes any more, not even one on its way. */
public final class FunctionClock {
    private @Nullable Runnable end;
    private long nanos;
    private int starts;

    /** Whether it ticks. */
    public boolean isRunning() {
        return end != null;
    }

    /** Between two ticks, as it was started last. */
    public long nanos() {
        return nanos;
    }

    /**
     * Calls {@code tick} every {@code period} nanoseconds from now on, for the first time after as many. If it runs, it is stopped
     * before.
     */
    public void start(FunctionContext context, long period, Runnable tick) {
        stop();
        nanos = period;
        int number = ++starts;
        end = context.every(period, () -> {
            if (end != null && number == starts) tick.run();
        });
    }

    /** Stops it, if it runs. */
    public void stop() {
        Runnable running = end;
        end = null;
        if (running != null) running.run();
    }
}
