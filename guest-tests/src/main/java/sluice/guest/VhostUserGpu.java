package sluice.guest;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchService;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

import sluice.guest.build.Folders;
import sluice.vdev.qemu.HostCommand;

/** A GPU served by a child process over a vhost-user socket in a private folder. Closing it ends the process. */
public final class VhostUserGpu implements Gpu {

    /** How to detect that a program's socket is ready. */
    public enum Readiness {
        /** It prints a line that begins with "listening on". */
        SAYS_LISTENING,
        /** It prints nothing: the kernel's list of sockets is polled. */
        SOCKET
    }

    private static final Duration START_LIMIT = Duration.ofSeconds(90);
    private static final String SOCKET = "gpu";
    private static final String ERROR_FILE = "stderr";
    /** Flag __SO_ACCEPTCON in the fourth column of /proc/net/unix (Linux, include/linux/net.h). */
    private static final String LISTENING = "00010000";

    private final Path folder;
    private final ChildProcess child;
    private final Console output;

    private VhostUserGpu(String name, List<String> command, Path folder) throws IOException {
        this.folder = folder;
        List<String> complete = new ArrayList<>(command);
        complete.add("--socket-path=" + folder.resolve(SOCKET));
        child = new ChildProcess(
                new ProcessBuilder(complete).redirectError(folder.resolve(ERROR_FILE).toFile()).start(), folder);
        output = new Console(name, child.process().getInputStream(), child.process().getOutputStream(), this::errors,
                line -> {});
    }

    /**
     * Starts a program and waits until its socket is ready.
     *
     * @param name name in messages
     * @param command its command line without the socket
     * @throws IOException it ended, or was not ready within 90 s (a launcher may have to build it first); the message
     * has its output
     */
    public static VhostUserGpu start(String name, List<String> command, Readiness readiness)
            throws IOException, InterruptedException {
        Path folder = Files.createTempDirectory("sluice-gpu-");
        VhostUserGpu gpu;
        try {
            gpu = new VhostUserGpu(name, command, folder);
        } catch (IOException | RuntimeException failure) {
            Folders.delete(folder);
            throw failure;
        }
        try {
            switch (readiness) {
                case SAYS_LISTENING -> gpu.output.waitFor("^listening on ", START_LIMIT);
                case SOCKET -> gpu.awaitSocket(name);
            }
            return gpu;
        } catch (IOException | InterruptedException | RuntimeException failure) {
            gpu.close();
            throw failure;
        }
    }

    /** The socket QEMU connects to. */
    public Path socket() {
        return folder.resolve(SOCKET);
    }

    /** The program's standard output. */
    public Console output() {
        return output;
    }

    /** The program. */
    public Process process() {
        return child.process();
    }

    /** The program's current number of open descriptors. */
    public int openDescriptors() throws IOException {
        try (Stream<Path> descriptors = Files.list(Path.of("/proc/" + process().pid() + "/fd"))) {
            return Math.toIntExact(descriptors.count());
        }
    }

    /**
     * Sends a signal.
     *
     * @param signal its name without SIG, for example "USR2"
     */
    public void signal(String signal) throws IOException, InterruptedException {
        HostCommand.output(List.of("kill", "-" + signal, Long.toString(process().pid())));
    }

    /**
     * Sends SIGTERM to the program and waits for it.
     *
     * @return its exit status
     * @throws IOException timeout
     */
    public int terminate(Duration limit) throws IOException, InterruptedException {
        process().destroy();
        if (!process().waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
            throw new IOException("the GPU process still runs " + limit.toMillis() + " ms after SIGTERM. " + errors());
        }
        return process().exitValue();
    }

    /** The program's standard error; may be empty. */
    public String errors() {
        try {
            String text = Files.readString(folder.resolve(ERROR_FILE), StandardCharsets.UTF_8).strip();
            return text.isEmpty() ? "" : "The GPU process said:\n" + text;
        } catch (IOException unreadable) {
            return "(what the GPU process said cannot be read: " + unreadable.getMessage() + ")";
        }
    }

    @Override
    public List<String> qemuArguments(String deviceOptions) {
        return List.of("-chardev", "socket,id=vgpu,path=" + socket(), "-device",
                Gpu.device("vhost-user-gpu-pci,chardev=vgpu", deviceOptions));
    }

    @Override
    public void close() throws IOException {
        child.close();
    }

    /** A test connection would use up the only connection that some programs accept. */
    private void awaitSocket(String name) throws IOException, InterruptedException {
        long deadline = System.nanoTime() + START_LIMIT.toNanos();
        try (WatchService watch = folder.getFileSystem().newWatchService()) {
            folder.register(watch, StandardWatchEventKinds.ENTRY_CREATE);
            while (!isListening()) {
                if (!process().isAlive()) {
                    throw new IOException(name + " ended with status " + process().exitValue() + ". " + errors());
                }
                if (System.nanoTime() > deadline) {
                    throw new IOException(name + " does not listen on " + socket() + " after "
                            + START_LIMIT.toSeconds() + " s. " + errors());
                }
                watch.poll(50, TimeUnit.MILLISECONDS); // at the file's creation at the latest; bind comes just before listen
            }
        }
    }

    private boolean isListening() throws IOException {
        String path = " " + socket();
        try (Stream<String> sockets = Files.lines(Path.of("/proc/net/unix"))) {
            return sockets.anyMatch(line -> line.endsWith(path) && line.contains(" " + LISTENING + " "));
        }
    }
}
