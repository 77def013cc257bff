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
 * Buffers for devices that are to share one, and how they were found (rows S42, S43). What users of dma-bufs do by hand: take
 * the memory of the pickiest device; if the others refuse that, go the other way round, down to the least picky; and if no
 * memory suits all, some devices get a buffer of their own, into which somebody has to copy. All of them are attached, and
 * nothing is mapped.
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
     * Finds memory.
     *
     * @param size of the buffer, in bytes
     * @param candidates each function once, at least one of them with an exporter
     * @throws DmaBufException EINVAL if a device can use nobody's memory, with everything that was tried
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

    /** The first that suits all of these, or the one that suits most; null if none suits any. */
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

    /** The buffers: one if all devices share it. In others, which hold copies, somebody has to put them. */
    public List<Share> shares() {
        return shares;
    }

    /** Whether one buffer does for all. */
    public boolean isShared() {
        return shares.size() == 1;
    }

    /** Bytes that are to be copied for each frame. */
    public long copiedBytes() {
        return shares.stream().skip(1).mapToLong(share -> share.buffer().size()).sum();
    }

    /** What was tried, in this order. */
    public List<Attempt> attempts() {
        return attempts;
    }

    /** How a function is attached, and through it the buffer that is the function's. */
    public Attachment attachment(DeviceFunction function) {
        for (Share share : shares) {
            for (Attachment attachment : share.attachments()) {
                if (attachment.function().equals(function)) return attachment;
            }
        }
        throw new IllegalArgumentException(function.name() + " was no candidate");
    }

    /** Detaches everybody and releases the buffers; what is still mapped is a finding. */
    @Override
    public void close() {
        shares.forEach(Share::giveBack);
    }

    /** What was tried, and what came of it, a line each. */
    @Override
    public String toString() {
        String taken = shares.stream().map(Share::toString).collect(Collectors.joining("; "));
        String copies = isShared() ? "" : "; %d bytes are to be copied for each frame".formatted(copiedBytes());
        return "%s%ntaken: %s%s".formatted(lines(attempts), taken, copies);
    }
}
