package sluice.guest.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import sluice.guest.ChildProcess;
import sluice.vdev.qemu.CacheFolder;
import sluice.vdev.qemu.HostCommand;

/** A process of the C front-end {@code peers.c}, connected to one back-end: measures one workload at a time. */
final class FrontEnd implements AutoCloseable {
    private static final List<String> SOURCES = List.of("peers.c", "peers-session.h", "peers-display.h",
            "peers-queue.h");
    private static final Pattern RESULT = Pattern.compile("(\\S+) (\\S+) \\S+ (\\d+) (\\S+) (\\S+)");

    private final ChildProcess child;
    private final BufferedReader results;
    private final Writer orders;

    private FrontEnd(ChildProcess child) {
        this.child = child;
        this.results = child.process().inputReader(StandardCharsets.UTF_8);
        this.orders = child.process().outputWriter(StandardCharsets.UTF_8);
    }

    /**
     * Compiles the program into the cache folder.
     *
     * @throws IOException there is no compiler, or it refuses
     */
    static Path compile() throws IOException, InterruptedException {
        Path folder = CacheFolder.ofUser().folder("bench");
        for (String name : SOURCES) {
            try (InputStream source = FrontEnd.class.getResourceAsStream("files/" + name)) {
                if (source == null) throw new IOException("the jar lacks its file " + name);
                Files.write(folder.resolve(name), source.readAllBytes());
            }
        }
        Path program = folder.resolve("peers");
        HostCommand.output(List.of("gcc", "-O2", "-std=gnu11", "-pthread", folder.resolve("peers.c").toString(), "-o",
                program.toString()));
        return program;
    }

    /**
     * Starts {@code program}, which connects to {@code socket} and negotiates.
     *
     * @param options of the program
     */
    static FrontEnd start(Path program, Path socket, List<String> options) throws IOException {
        Path folder = Files.createTempDirectory("sluice-bench-");
        List<String> command = new ArrayList<>(List.of(program.toString(), "--socket-path=" + socket));
        command.addAll(options);
        Process process = new ProcessBuilder(command)
                .directory(folder.toFile()).redirectErrorStream(true).start();
        return new FrontEnd(new ChildProcess(process, folder));
    }

    /**
     * Measures once.
     *
     * @param workload by its name in {@code peers.c}
     * @throws IOException it failed; the message is that of the program
     */
    Measurement measure(String workload, long millis, ProcessHandle backEnd) throws IOException {
        long before = cpuMillis(backEnd);
        orders.write(workload + " " + millis + "\n");
        orders.flush();
        String line = results.readLine();
        if (line == null) throw new IOException("the front-end ended during the workload " + workload);
        Matcher result = RESULT.matcher(line);
        if (!result.matches() || !result.group(1).equals(workload)) {
            throw new IOException("the front-end failed in the workload " + workload + ": " + line);
        }
        return new Measurement(Double.parseDouble(result.group(2)), Long.parseLong(result.group(3)),
                Double.parseDouble(result.group(4)), Double.parseDouble(result.group(5)), cpuMillis(backEnd) - before);
    }

    private static long cpuMillis(ProcessHandle process) {
        return process.info().totalCpuDuration().map(Duration::toMillis).orElse(0L);
    }

    @Override
    public void close() throws IOException {
        child.close();
    }
}
