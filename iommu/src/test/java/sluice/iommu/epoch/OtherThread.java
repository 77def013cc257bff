package sluice.iommu.epoch;

import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** One thread beside the test's own, which does one thing after the other while the test waits. */
public final class OtherThread implements AutoCloseable {
    private final ExecutorService thread = Executors.newSingleThreadExecutor();

    /** Does something there and returns its result. */
    public <T> T call(Callable<T> action) {
        try {
            return thread.submit(action).get();
        } catch (ExecutionException failure) {
            throw new AssertionError("on the other thread", failure.getCause());
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new AssertionError(interrupted);
        }
    }

    /** Does something there that has no result. */
    public void run(Runnable action) {
        call(Executors.callable(action));
    }

    @Override
    public void close() {
        thread.close();
    }
}
