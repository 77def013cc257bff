package sluice.guest.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.stream.Stream;

import sluice.guest.ChildProcess;
import sluice.guest.Console;

/** Two GPUs and their front-ends, which can work at the same time. */
final class GpuPair implements AutoCloseable {
    private static final Duration START_LIMIT = Duration.ofSeconds(90);

    private final List<FrontEnd> frontEnds = new ArrayList<>();
    private final List<ChildProcess> servers = new ArrayList<>();
    /** Closed in reverse order. */
    private final Deque<AutoCloseable> open = new ArrayDeque<>();

    private GpuPair() {}

    /** @param program the front-end */
    static GpuPair ofOneProcess(String launcher, Path program) throws IOException, InterruptedException {
        return started(program, List.of(launcher, "serve", "--device=gpu,socket-path=a", "--device=gpu,socket-path=b"));
    }

    /** @param program the front-end */
    static GpuPair ofTwoProcesses(String launcher, Path program) throws IOException, InterruptedException {
        return started(program, List.of(launcher, "gpu", "--socket-path=a"),
                List.of(launcher, "gpu", "--socket-path=a"));
    }

    @SafeVarargs
    private static GpuPair started(Path program, List<String>... commands) throws IOException, InterruptedException {
        GpuPair pair = new GpuPair();
        boolean done = false;
        try {
            for (List<String> command : commands) pair.start(command, program);
            done = true;
            return pair;
        } finally {
            if (!done) pair.close();
        }
    }

    private void start(List<String> command, Path program) throws IOException, InterruptedException {
        Path folder = Files.createTempDirectory("sluice-pair-");
        Path errors = folder.resolve("stderr");
        ChildProcess server = new ChildProcess(
                new ProcessBuilder(command).directory(folder.toFile()).redirectError(errors.toFile()).start(), folder);
        open.push(server);
        Console output = Console.of("sluice", server.process(), () -> text(errors));
        List<String> sockets = Stream.of("a", "b")
                .filter(name -> command.stream().anyMatch(o -> o.endsWith("=" + name)))
                .toList();
        for (String socket : sockets) {
            output.waitFor("^listening on .*" + socket + "$", START_LIMIT);
            FrontEnd frontEnd = FrontEnd.start(program, folder.resolve(socket), List.of());
            open.push(frontEnd);
            frontEnds.add(frontEnd);
            servers.add(server);
        }
    }

    private static String text(Path errors) {
        try {
            return Files.readString(errors);
        } catch (IOException unreadable) {
            return "(what the GPU process said cannot be read: " + unreadable.getMessage() + ")";
        }
    }

    /** Measures on GPU 0 or 1, as {@link FrontEnd#measure}. */
    Measurement measure(int which, String workload, long millis) throws IOException {
        return frontEnds.get(which).measure(workload, millis, servers.get(which).process().toHandle());
    }

    @Override
    public void close() throws IOException {
        IOException failure = null;
        while (!open.isEmpty()) {
            try {
                open.pop().close();
            } catch (IOException e) {
                failure = e;
            } catch (Exception e) {
                failure = new IOException(e);
            }
        }
        if (failure != null) throw failure;
    }
}
