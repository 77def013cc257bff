package sluice.guest.bench;

import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import sluice.guest.VhostUserGpu;

/** A compared back-end: its processes, their front-ends, and its measurements so far. */
final class Subject implements AutoCloseable {
    /** What a back-end is. */
    enum Kind {
        /** Ours, with a display. */
        OURS,
        /** Ours, with blobs. */
        BLOBS,
        /** The C peer. */
        PEER
    }

    private static final int HEADER_BYTES = 12;
    private static final int GET_FEATURES = 1;
    private static final int VERSION = 1;

    private final String name;
    private final Kind kind;
    private final List<String> command;
    private final Path program;
    private final Map<Workload, List<Measurement>> rounds = new EnumMap<>(Workload.class);
    private final Map<Workload, List<Measurement>> limits = new EnumMap<>(Workload.class);
    /** The processes that get warm, by the options of their front-ends: a back-end has one front-end at a time. */
    private final Map<List<String>, Pair> warm = new HashMap<>();

    /** @param program the front-end */
    Subject(String name, Kind kind, List<String> command, Path program) {
        this.name = name;
        this.kind = kind;
        this.command = command;
        this.program = program;
    }

    /** A back-end and the front-end that is connected to it. */
    private record Pair(VhostUserGpu gpu, FrontEnd frontEnd) implements AutoCloseable {
        static Pair of(VhostUserGpu gpu, Path program, List<String> options) throws IOException {
            try {
                return new Pair(gpu, FrontEnd.start(program, gpu.socket(), options));
            } catch (IOException | RuntimeException failure) {
                gpu.close();
                throw failure;
            }
        }

        Measurement measure(String workload, long millis) throws IOException {
            try {
                return frontEnd.measure(workload, millis, gpu.process().toHandle());
            } catch (IOException failure) {
                throw new IOException(failure.getMessage() + ". " + gpu.errors(), failure);
            }
        }

        @Override
        public void close() throws IOException {
            frontEnd.close();
            gpu.close();
        }
    }

    /** Starts the process that gets warm by a workload, unless it runs. */
    void start(Workload workload) throws IOException, InterruptedException {
        List<String> options = options(workload);
        if (warm.containsKey(options)) return;
        VhostUserGpu gpu = VhostUserGpu.start(name, command, VhostUserGpu.Readiness.SOCKET);
        warm.put(options, Pair.of(gpu, program, options));
    }

    /** Of the front-end. */
    private List<String> options(Workload workload) {
        List<String> options = new ArrayList<>();
        if (kind == Kind.BLOBS) options.add("--blob");
        if (workload.isFresh()) options.add("--fresh");
        if (workload.isWithoutEventIdx()) options.add("--no-event-idx");
        return options;
    }

    String name() {
        return name;
    }

    Kind kind() {
        return kind;
    }

    List<String> command() {
        return command;
    }

    /** Runs a workload without recording the result. */
    void warmUp(Workload workload, long millis) throws IOException {
        measure(workload, wireName(workload), millis);
    }

    private String wireName(Workload workload) {
        return (kind == Kind.PEER ? workload.ofPeer() : workload).wireName();
    }

    /** Measures in a process of its own. */
    void measureFresh(Workload workload, long millis) throws IOException, InterruptedException {
        long begun = System.nanoTime();
        VhostUserGpu gpu = VhostUserGpu.start(name, command, VhostUserGpu.Readiness.SOCKET);
        double started = (System.nanoTime() - begun) / 1e6;
        if (workload.isOfProcess()) {
            try (gpu) {
                keep(rounds, workload, Measurement.of(switch (workload) {
                    case FRESH_START -> started;
                    case FRESH_ANSWER -> {
                        ask(gpu.socket());
                        yield (System.nanoTime() - begun) / 1e6;
                    }
                    default -> Resident.kib(gpu.process().pid(), "VmRSS") / 1024.0;
                }));
            }
            return;
        }
        try (Pair fresh = Pair.of(gpu, program, options(workload))) {
            keep(rounds, workload, fresh.measure(wireName(workload), millis));
        }
    }

    /** Asks for the features (QEMU docs/interop/vhost-user.rst, VHOST_USER_GET_FEATURES), and waits for the answer. */
    private static void ask(Path socket) throws IOException {
        try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
            ByteBuffer request = ByteBuffer.allocate(HEADER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
            channel.write(request.putInt(GET_FEATURES).putInt(VERSION).putInt(0).flip());
            ByteBuffer answer = ByteBuffer.allocate(HEADER_BYTES + Long.BYTES);
            while (answer.hasRemaining())
                if (channel.read(answer) < 0) throw new IOException("the back-end has gone before its first answer");
        }
    }

    void measure(Workload workload, long millis) throws IOException {
        keep(rounds, workload, measure(workload, wireName(workload), millis));
    }

    /** Measures the lower bound of {@code workload}, if it has one. */
    void measureLimit(Workload workload, long millis) throws IOException {
        String limit = workload.limitName();
        if (limit != null) keep(limits, workload, measure(workload, limit, millis));
    }

    private Measurement measure(Workload workload, String wireName, long millis) throws IOException {
        Pair pair = warm.get(options(workload));
        if (pair == null) throw new IllegalStateException(name + " has not been started");
        return pair.measure(wireName, millis);
    }

    private static void keep(Map<Workload, List<Measurement>> where, Workload workload, Measurement measurement) {
        where.computeIfAbsent(workload, w -> new ArrayList<>()).add(measurement);
    }

    /** The rounds of a workload, in order; empty if it was not run. */
    List<Measurement> rounds(Workload workload) {
        return rounds.getOrDefault(workload, List.of());
    }

    /** What the limit beside a workload was, round by round. */
    List<Measurement> limits(Workload workload) {
        return limits.getOrDefault(workload, List.of());
    }

    @Override
    public void close() throws IOException {
        for (Pair pair : warm.values()) pair.close();
    }
}
