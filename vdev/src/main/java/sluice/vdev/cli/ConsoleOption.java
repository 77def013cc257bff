package sluice.vdev.cli;

import java.io.IOException;
import java.nio.file.Path;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

import sluice.dmacore.trace.SwitchedSink;
import sluice.dmacore.trace.TraceSink;
import sluice.dmacore.trace.TwoSinks;
import sluice.vdev.plugin.WrongOptionException;
import sluice.vdev.serve.Captures;
import sluice.vdev.serve.ServerProcess;

/** {@code --console=ADDRESS:PORT}: a page that shows the devices of a process, live; a mixin for picocli. */
final class ConsoleOption {
    private static final String DEFAULT_OUT = "sluice-out";

    @Option(names = "--console", paramLabel = "ADDRESS:PORT", description = "Show the devices live in a browser, with their screens and Prometheus metrics, at this address, such as 127.0.0.1:8090; port 0 is any free one. The page's address, with a secret token, is printed.")
    private @Nullable String address;

    @Option(names = "--console-token-file", paramLabel = "FILE", description = "The token is in this file: 16 to 128 letters, digits, hyphens and underscores. Default: a random one.")
    private @Nullable Path token;

    @Option(names = "--console-remote", description = "Allow an address that other hosts can reach. Nothing is encrypted: an SSH tunnel to 127.0.0.1 is safer.")
    private boolean isRemote;

    @Option(names = "--console-out", paramLabel = "DIR", defaultValue = DEFAULT_OUT, description = "Recordings and profiles that are started from the page are written into this folder (default ${DEFAULT-VALUE}).")
    private Path out = Path.of(DEFAULT_OUT);

    /** What a page switches on and off: part of the trace of a process with a console. */
    private final SwitchedSink switched = new SwitchedSink();

    /** What receives events, besides {@code others}. */
    TraceSink sink(TraceSink others) {
        return address == null ? others : TwoSinks.of(switched, others);
    }

    /**
     * Checks the options, and opens nothing.
     *
     * @throws IllegalArgumentException an option has a wrong value; the message is a sentence
     */
    void check() {
        String where = address;
        if (where == null) {
            if (token != null || isRemote)
                throw new IllegalArgumentException("--console-token-file and --console-remote need --console");
            return;
        }
        try {
            ServerProcess.consoleAddress(where, isRemote);
        } catch (WrongOptionException e) {
            throw new IllegalArgumentException(e.getMessage(), e);
        }
    }

    /**
     * Opens the console, if that was asked for, before there are devices.
     *
     * @throws IOException the address is in use, or there is no such file
     * @throws IllegalArgumentException an option has a wrong value; the message is a sentence
     */
    void open(ServerProcess process) throws IOException {
        String where = address;
        if (where == null) return;
        try {
            process.openConsole(where, isRemote, token, new Captures(out, switched));
        } catch (WrongOptionException e) {
            throw new IllegalArgumentException(e.getMessage(), e);
        }
    }
}
