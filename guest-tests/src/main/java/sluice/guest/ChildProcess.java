package sluice.guest;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.guest.build.Folders;

/**
 * A process with a private folder, both removed by {@link #close()} or at the exit of this JVM, including Ctrl-C. Only
 * SIGKILL of the JVM leaves them.
 */
public final class ChildProcess implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ChildProcess.class);
    private static final long END_SECONDS = 3;

    private final Process process;
    private final Path folder;
    private final Thread atExit;

    /**
     * @param folder deleted after the process has ended
     */
    public ChildProcess(Process process, Path folder) {
        this.process = process;
        this.folder = folder;
        atExit = new Thread(this::endWithJvm, "end of process " + process.pid());
        Runtime.getRuntime().addShutdownHook(atExit);
    }

    public Process process() {
        return process;
    }

    /**
     * Sends SIGTERM, waits up to 3 s, then kills it; when this returns, the process has ended and its folder is
     * deleted.
     */
    @Override
    public void close() throws IOException {
        boolean interrupted = Thread.interrupted();
        process.destroy();
        try {
            if (!process.waitFor(END_SECONDS, TimeUnit.SECONDS)) kill();
        } catch (InterruptedException again) {
            process.destroyForcibly();
            interrupted = true;
        }
        if (interrupted) Thread.currentThread().interrupt();
        Folders.delete(folder);
        try {
            Runtime.getRuntime().removeShutdownHook(atExit);
        } catch (IllegalStateException shuttingDown) {
            LOG.debug("the JVM is ending, and the hook finds nothing left to do");
        }
    }

    private void kill() throws InterruptedException {
        process.destroyForcibly();
        if (!process.waitFor(END_SECONDS, TimeUnit.SECONDS)) LOG.warn("process {} cannot be killed", process.pid());
    }

    private void endWithJvm() {
        try {
            kill();
            Folders.delete(folder);
        } catch (InterruptedException ending) {
            Thread.currentThread().interrupt();
        } catch (IOException failure) {
            LOG.warn("{} could not be deleted: {}", folder, failure.getMessage());
        }
    }
}
