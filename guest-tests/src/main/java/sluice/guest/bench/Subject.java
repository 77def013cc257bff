package sluice.guest.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

import sluice.guest.VhostUserGpu;

/** A compared back-end: its process, its front-end, and its measurements so far. */
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

    private final String name;
    private final Kind kind;
    private final List<String> command;
    private final VhostUserGpu gpu;
    private final FrontEnd frontEnd;
    private final Map<Workload, List<Measurement>> rounds = new EnumMap<>(Workload.class);
    private final Map<Workload, List<Measurement>> limits = new EnumMap<>(Workload.class);

    private Subject(String name, Kind kind, List<String> command, VhostUserGpu gpu, FrontEnd frontEnd) {
        this.name = name;
        this.kind = kind;
        this.command = command;
        this.gpu = gpu;
        this.frontEnd = frontEnd;
    }

    /** Starts a back-end and connects the front-end {@code program} to it. */
    static Subject start(String name, Kind kind, List<String> command, VhostUserGpu.Readiness readiness, Path program)
            throws IOException, InterruptedException {
        VhostUserGpu gpu = VhostUserGpu.start(name, command, readiness);
        try {
            return new Subject(name, kind, command, gpu, FrontEnd.start(program, gpu.socket(), kind == Kind.BLOBS));
        } catch (IOException | RuntimeException failure) {
            gpu.close();
            throw failure;
        }
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
        measure(wireName(workload), millis);
    }

    private String wireName(Workload workload) {
        return (kind == Kind.PEER ? workload.ofPeer() : workload).wireName();
    }

    void measure(Workload workload, long millis) throws IOException {
        keep(rounds, workload, measure(wireName(workload), millis));
    }

    /** Measures the lower bound of {@code workload}, if it has one. */
    void measureLimit(Workload workload, long millis) throws IOException {
        String limit = workload.limitName();
        if (limit != null) keep(limits, workload, measure(limit, millis));
    }

    private Measurement measure(String workload, long millis) throws IOException {
        try {
            return frontEnd.measure(workload, millis, gpu.process().toHandle());
        } catch (IOException failure) {
            throw new IOException(name + ": " + failure.getMessage() + ". " + gpu.errors(), failure);
        }
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
        frontEnd.close();
        gpu.close();
    }
}
