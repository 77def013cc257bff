package sluice.vdev.profile.guest;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import org.jspecify.annotations.Nullable;

/**
 * What a guest's kernel has told of its driver: the requests of each queue, interrupts and other events. What is kept is bounded, the
 * newest of it.
 */
public final class GuestTrace {
    /** More is not read. */
    static final long MOST_BYTES = 256L << 20;
    /** Requests of a queue that are kept. */
    static final int MOST_REQUESTS = 1 << 17;
    /** Other events that are kept. */
    static final int MOST_OTHERS = 1 << 15;
    private static final int MOST_QUEUES = 32;
    private static final int CHUNK = 64 * 1024;

    /** A queue of a virtio device of the guest. */
    record Queue(int device, String name) {}

    /**
     * Another event.
     *
     * @param nanos of the guest's clock
     * @param name such as {@code dma_fence_signaled}
     * @param fields the begin of what the kernel prints of it
     */
    public record Other(long nanos, String name, String fields) {}

    /** The requests of a queue since the driver has begun, by their numbers, in the order of their first event. */
    private static final class Requests extends LinkedHashMap<Long, GuestRequest> {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Long, GuestRequest> eldest) {
            return size() > MOST_REQUESTS;
        }
    }

    private final Map<Queue, Requests> queues = new LinkedHashMap<>();
    /** When each interrupt was entered last, by the device and the vector's name. */
    private final Map<Queue, Long> interrupts = new HashMap<>();
    private final Deque<Other> others = new ArrayDeque<>();
    private long lines;
    private long broken;
    private long lost;
    private long unnumbered;
    private long doubles;
    private boolean isCut;

    private GuestTrace() {}

    /** Reads a file. */
    public static GuestTrace read(Path file) throws IOException {
        try (InputStream in = Files.newInputStream(file)) {
            return read(in, MOST_BYTES);
        }
    }

    /** Reads all lines; of a line that is too long, its end is left out. */
    static GuestTrace read(InputStream in, long mostBytes) throws IOException {
        GuestTrace trace = new GuestTrace();
        byte[] chunk = new byte[CHUNK];
        byte[] line = new byte[GuestLine.LONGEST + 1];
        int length = 0;
        long bytes = 0;
        for (int count = in.read(chunk); count >= 0; count = in.read(chunk)) {
            bytes += count;
            if (bytes > mostBytes) {
                trace.isCut = true;
                return trace;
            }
            for (int i = 0; i < count; i++) {
                if (chunk[i] == '\n') {
                    trace.take(new String(line, 0, length, StandardCharsets.ISO_8859_1));
                    length = 0;
                } else if (chunk[i] != '\r' && length < line.length) {
                    line[length] = chunk[i];
                    length++;
                }
            }
        }
        if (length > 0) {
            trace.isCut = true;
            trace.broken++;
        }
        return trace;
    }

    private void take(String text) {
        lines++;
        switch (GuestLine.of(text)) {
            case GuestLine.Queued queued -> queued(queued);
            case GuestLine.Responded responded -> responded(responded);
            case GuestLine.Interrupted interrupted -> {
                if (interrupts.size() < MOST_QUEUES)
                    interrupts.put(new Queue(interrupted.device(), interrupted.vector()), interrupted.nanos());
                other(new Other(interrupted.nanos(), "interrupt",
                        "virtio%d %s".formatted(interrupted.device(), interrupted.vector()).strip()));
            }
            case GuestLine.Other event -> other(new Other(event.nanos(), event.name(), event.fields()));
            case GuestLine.Lost gone -> lost += gone.events();
            case GuestLine.Mark mark -> isCut |= mark.isCut();
            case GuestLine.Unnumbered _ -> unnumbered++;
            case GuestLine.Broken _ -> broken++;
            case GuestLine.Comment _ -> {
                // nothing to count
            }
        }
    }

    private void other(Other event) {
        if (others.size() == MOST_OTHERS) others.remove();
        others.add(event);
    }

    private @Nullable Requests requests(int device, String name) {
        Queue queue = new Queue(device, name);
        Requests present = queues.get(queue);
        if (present == null && queues.size() < MOST_QUEUES) {
            present = new Requests();
            queues.put(queue, present);
        }
        return present;
    }

    private void queued(GuestLine.Queued event) {
        Requests requests = requests(event.device(), event.queue());
        if (requests == null) return;
        // The driver counts anew after a restart: what was before is not of the same count.
        if (event.number() == 1) requests.clear();
        GuestRequest request = requests.computeIfAbsent(event.number(), GuestRequest::new);
        if (request.queued != GuestRequest.UNKNOWN) twice(request);
        request.queued = event.nanos();
        request.type = event.type();
    }

    private void responded(GuestLine.Responded event) {
        Requests requests = requests(event.device(), event.queue());
        if (requests == null) return;
        GuestRequest request = requests.computeIfAbsent(event.number(), GuestRequest::new);
        if (request.responded != GuestRequest.UNKNOWN) twice(request);
        request.responded = event.nanos();
        for (String vector : List.of(event.queue(), "virtqueues", "")) {
            Long interrupted = interrupts.get(new Queue(event.device(), vector));
            if (interrupted == null) continue;
            if (request.queued != GuestRequest.UNKNOWN && interrupted >= request.queued)
                request.interrupted = interrupted;
            return;
        }
    }

    private void twice(GuestRequest request) {
        if (!request.isDouble) doubles++;
        request.isDouble = true;
    }

    /** The queues of which it tells. */
    List<Queue> queues() {
        return List.copyOf(queues.keySet());
    }

    /** The requests of a queue that has been told of, by their numbers. */
    Map<Long, GuestRequest> requests(Queue queue) {
        Requests present = queues.get(queue);
        return present == null ? Map.of() : present;
    }

    /** Interrupts, fences and all else, the newest. */
    public List<Other> others() {
        return List.copyOf(others);
    }

    /** What is wrong with the trace itself, a sentence each; empty if nothing is. */
    List<String> problems() {
        List<String> problems = new ArrayList<>();
        if (isCut) problems.add("The guest's trace is cut: its end is missing.");
        if (lost > 0)
            problems.add("The guest's kernel has overwritten %,d events before they were read.".formatted(lost));
        if (broken > 0)
            problems.add("%,d of %,d lines of the guest's trace are none of a kernel's.".formatted(broken, lines));
        if (doubles > 0)
            problems.add("The guest's trace tells of %,d requests twice, which are left out.".formatted(doubles));
        if (unnumbered > 0)
            problems.add("The guest's kernel does not number the requests of its GPU, as Linux 6.12 does.");
        return problems;
    }
}
