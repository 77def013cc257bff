package sluice.vdev.cli;

import java.io.IOException;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.linux.UnixSocket;
import sluice.vdev.plugin.WrongOptionException;
import sluice.vdev.serve.ErrorOutput;
import sluice.vdev.serve.LogProvider;
import sluice.vdev.serve.ServerProcess;

/**
 * The first class of {@code sluice}: serves devices at once if that is all that is asked for, and leaves everything else to {@link
 * Main}, with the same exit codes and sentences.
 */
public final class Start {
    private Start() {}

    public static void main(String[] arguments) {
        prepareLibraries();
        String[] complete;
        try {
            complete = Settings.ofProcess().complete(arguments);
        } catch (IOException e) {
            System.err.println(Logging.sentence(e));
            System.exit(1);
            return;
        }
        QuickStart quick = QuickStart.of(complete);
        Integer code = quick == null ? null : serve(quick);
        if (code == null) {
            Main.main(complete);
            return;
        }
        ErrorOutput.ofProcess().flush(ServerProcess.LAST_LINES);
        System.exit(code);
    }

    /**
     * Settings of libraries, unless the user gives others: without them SLF4J opens all jars to find its providers, and Netty
     * starts JDK Flight Recorder when the first front-end connects.
     */
    private static void prepareLibraries() {
        set("slf4j.provider", LogProvider.class.getName());
        set("slf4j.internal.verbosity", "WARN"); // SLF4J would tell that it has a provider
        set("io.netty.jfr.enabled", "false");
    }

    private static void set(String property, String value) {
        if (System.getProperty(property) == null) System.setProperty(property, value);
    }

    /** Null if an option has a wrong value, which {@link Main} will find, too, and say as for any other command. */
    private static @Nullable Integer serve(QuickStart quick) {
        try {
            Logging.configure();
        } catch (IllegalArgumentException e) {
            return null;
        }
        Thread.ofPlatform().name("sluice-link").daemon().start(UnixSocket::link); // the first front-end comes last
        try {
            quick.serve();
            return 0;
        } catch (WrongOptionException e) {
            return null;
        } catch (IOException | InterruptedException | RuntimeException e) {
            System.err.println(Logging.sentence(e));
            return 1;
        }
    }
}
