package sluice.dmacore.allocation;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.buffer.Attachment;
import sluice.dmacore.buffer.DmaBufException;
import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.buffer.Exporter;
import sluice.dmacore.device.DeviceFunction;
import sluice.dmacore.linux.Errno;

/**
 * Allocates a buffer for several devices (rows S42, S43), as users of dma-bufs otherwise do by trial: tries the memory
 * of the most constrained device, then that of the others; if no memory suits all, some devices get a buffer of their
 * own, with a copy for each frame. All devices are attached, none is mapped.
 *
 * <pre>
 * try (Allocation frames = Allocation.allocateFor(core, "frame", bytes, List.of(
 *         new Candidate(gpu, Stream.COHERENT, gpuMemory), new Candidate(scanOut, Stream.NON_COHERENT, cma)))) {
 *     frames.attachment(scanOut).map(Direction.TO_DEVICE) ...
 *     frames.isShared();       // whether nobody needs to copy
 *     frames.toString();       // what was tried, and what each device said
 * }
 * </pre>
 */
public final class Allocation implements AutoCloseable {
    private final List<Share> shares;
    private final List<Attempt> attempts;

    private Allocation(List<Share> shares, List<Attempt> attempts) {
        this.shares = List.copyOf(shares);
        this.attempts = List.copyOf(attempts);
    }

    /**
     * Allocates memory.
     *
     * @param size of the buffer, in bytes
     * @param candidates each function once, at least one of them with an exporter
     * @throws DmaBufException EINVAL if no memory suits a device, with all attempts
     */
    public static Allocation allocateFor(DmaCore core, String name, long size, List<Candidate> candidates)
            throws DmaBufException {
        Set<DeviceFunction> functions = new HashSet<>();
        for (Candidate candidate : candidates) {
            if (!functions.add(candidate.function()))
                throw new IllegalArgumentException(candidate + " is there twice: give each function once");
        }
        List<Candidate> pickiestFirst = candidates.stream().sorted(Comparator.comparingInt(
                (Candidate candidate) -> candidate.function().params().pickiness()).reversed()).toList();
        List<Share> shares = new ArrayList<>();
        List<Attempt> attempts = new ArrayList<>();
        boolean done = false;
        try {
            List<Candidate> left = new ArrayList<>(candidates);
            while (!left.isEmpty()) {
                String title = shares.isEmpty() ? name : name + ", copy " + shares.size();
                Trial best = best(core, title, size, left, pickiestFirst, attempts);
                if (best == null) throw new DmaBufException(Errno.EINVAL, refusal(name, left, attempts));
                shares.add(best.share());
                left.removeAll(best.served());
            }
            done = true;
            return new Allocation(shares, attempts);
        } finally {
            if (!done) shares.forEach(Share::giveBack);
        }
    }

    /** The first exporter that suits all of these, or the one that suits most; null if none suits any. */
    private static @Nullable Trial best(DmaCore core, String name, long size, List<Candidate> wanting,
            List<Candidate> offering, List<Attempt> attempts) {
        Set<Exporter> tried = Collections.newSetFromMap(new IdentityHashMap<>());
        Trial best = null;
        for (Candidate offer : offering) {
            Exporter exporter = offer.exporter();
            if (exporter == null || !tried.add(exporter)) continue;
            Trial trial;
            try {
                trial = Trial.of(core, name, size, exporter, wanting);
            } catch (DmaBufException e) {
                attempts.add(new Attempt(exporter.name(), offer.function().name(), List.of(),
                        String.valueOf(e.getMessage())));
                continue;
            }
            attempts.add(trial.told(offer));
            if (trial.served().size() > (best == null ? 0 : best.served().size())) {
                if (best != null) best.giveBack();
                best = trial;
            } else {
                trial.giveBack();
            }
            if (best != null && best.served().size() == wanting.size()) return best;
        }
        return best;
    }

    private static String refusal(String name, List<Candidate> left, List<Attempt> attempts) {
        return "%s: no memory suits %s:%n%s".formatted(name,
                left.stream().map(Candidate::toString).collect(Collectors.joining(", ")), lines(attempts));
    }

    private static String lines(List<Attempt> attempts) {
        return attempts.stream().map(Attempt::toString).collect(Collectors.joining("\n"));
    }

    /** The buffers: one if all devices share it. Further buffers need copies. */
    public List<Share> shares() {
        return shares;
    }

    /** Whether all devices share one buffer. */
    public boolean isShared() {
        return shares.size() == 1;
    }

    /** Bytes to be copied for each frame. */
    public long copiedBytes() {
        return shares.stream().skip(1).mapToLong(share -> share.buffer().size()).sum();
    }

    /** All attempts, in order. */
    public List<Attempt> attempts() {
        return attempts;
    }

    /** The attachment of a function, and through it its buffer. */
    public Attachment attachment(DeviceFunction function) {
        for (Share share : shares) {
            for (Attachment attachment : share.attachments()) {
                if (attachment.function().equals(function)) return attachment;
            }
        }
        throw new IllegalArgumentException(function.name() + " was no candidate");
    }

    /** Detaches all devices and releases the buffers; a live mapping is a finding. */
    @Override
    public void close() {
        shares.forEach(Share::giveBack);
    }

    /** All attempts and their results, one line each. */
    @Override
    public String toString() {
        String taken = shares.stream().map(Share::toString).collect(Collectors.joining("; "));
        String copies = isShared() ? "" : "; %d bytes are to be copied for each frame".formatted(copiedBytes());
        return "%s%ntaken: %s%s".formatted(lines(attempts), taken, copies);
    }
}
