package sluice.guest;

import java.util.concurrent.TimeUnit;

/**
 * A process that does not outlive its owner: it is ended by {@link #close()}, or when this JVM ends in an orderly way.
 * Only a JVM killed with SIGKILL leaves it behind.
 */
final class ChildProcess implements AutoCloseable {
    private static final long TERM_SECONDS = 3;

    private final Process process;
    private final Thread atExit;

    ChildProcess(Process process) {
        this.process = process;
        atExit = new Thread(process::destroyForcibly, "end of process " + process.pid());
        Runtime.getRuntime().addShutdownHook(atExit);
    }

    Process process() {
        return process;
    }

    /** Asks it to end (SIGTERM), waits up to 3 s, then kills it; when this returns, it is gone. */
    @Override
    public void close() {
        boolean interrupted = Thread.interrupted();
        process.destroy();
        try {
            if (!process.waitFor(TERM_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                process.waitFor(TERM_SECONDS, TimeUnit.SECONDS);
            }
        } catch (InterruptedException again) {
            process.destroyForcibly();
            interrupted = true;
        }
        if (interrupted)
            Thread.currentThread().interrupt();
        try {
            Runtime.getRuntime().removeShutdownHook(atExit);
        } catch (IllegalStateException shuttingDown) {
            return; // the JVM is ending: the hook does what it is for
        }
    }
}
